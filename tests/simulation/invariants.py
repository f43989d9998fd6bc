"""All invariants, and the check of one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation import invariants_end as end
from tests.simulation import invariants_fleet as fleet
from tests.simulation import invariants_pace as pace
from tests.simulation import invariants_whole as whole
from tests.simulation.evidence import Evidence, ViolationError, gather
from tests.simulation.evidence_groups import gather_groups
from tests.simulation.invariants_shared import shared_violation

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.run import Run

INVARIANTS: tuple[Callable[[Evidence], None], ...] = (
    end.every_import_begins_and_ends_once,
    end.gateways_end_nothing,
    end.doubts_are_checked_on_a_new_connection,
    end.verdicts_are_obeyed,
    end.ends_are_earned,
    end.outages_end,
    end.clocks_end_waits,
    end.holds_past_the_deadline_end_all_waits,
    end.events_tell_the_truth,
    end.refusals_are_counted,
    whole.success_is_earned,
    whole.imports_are_left_behind_only_after_a_decision,
    whole.signals_end_the_watch,
    whole.the_code_follows_the_contract,
    pace.no_request_before_a_named_moment,
    pace.refusals_back_off,
    pace.refusals_hold_everybody,
    pace.no_request_past_the_deadline,
    pace.the_last_look_is_taken,
    pace.one_request_at_a_time,
    pace.the_first_request_goes_alone,
    pace.the_schedule_is_kept,
    pace.the_announced_wait_is_the_real_wait,
    pace.no_wait_without_a_reason,
    pace.silence_is_bounded,
    fleet.no_refusal_is_our_own_fault,
    fleet.something_is_left_for_others,
    fleet.nobody_starves,
)


def violation(run: Run) -> str | None:
    """Return the first invariant that a run breaks.

    Args:
        run: The run.

    Returns:
        Its name and where it is broken, or None where all of them hold.
    """
    try:
        if run.scenario.groups:
            return shared_violation(run, gather_groups(run))
        evidence = gather(run)
    except ViolationError as error:
        return f"every_wait_ends: {error}"
    for invariant in INVARIANTS:
        try:
            invariant(evidence)
        except ViolationError as error:
            return f"{invariant.__name__}: {error}"
    return None
