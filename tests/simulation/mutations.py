"""Planted bugs, to prove that the simulation finds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.simulation import planted, planted_groups
from watcher.api import in_flight
from watcher.core import exit_codes, lifecycle, schedule
from watcher.core.answers import decoding, rate_limits
from watcher.core.fleet import agenda, fleet, group, limiter, windows
from watcher.core.wait import faults, record, steps, waiter
from watcher.loop import loop

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Mutation:
    """One planted bug.

    Attributes:
        name: Its name.
        target: The module or class to change.
        attribute: The attribute to replace.
        replacement: The replacement.
        caught_by: The invariant that must catch it.
        first: The first seed to try; for bugs that show rarely, one a little before a seed that shows them.
    """

    name: str
    target: object
    attribute: str
    replacement: object
    caught_by: str
    first: int = 0


def _plant(
    target: object, attribute: str, replacement: Callable[..., object], caught_by: str, first: int = 0
) -> Mutation:
    return Mutation(replacement.__name__, target, attribute, replacement, caught_by, first)


_WAITER, _STEPS = waiter.Waiter, steps.StepBuilder
_LIMITER, _LIMITS, _CODES = limiter.Limiter, rate_limits.RateLimits, exit_codes.ExitCodes
_OBEYED = "verdicts_are_obeyed"
_EARNED = "ends_are_earned"
_NAMED = "no_request_before_a_named_moment"
_ALONE = "the_first_request_goes_alone"
_HOLDS = "holds_past_the_deadline_end_all_waits"
_CODE = "the_code_follows_the_contract"

MUTATIONS: tuple[Mutation, ...] = (
    _plant(fleet, "decode", planted.accept_another_import, _OBEYED),
    _plant(lifecycle, "is_at_or_past", planted.treat_stopped_as_progress, _OBEYED),
    _plant(_WAITER, "receive", planted.ignore_the_first_status_after_a_fault, _OBEYED),
    _plant(_WAITER, "_on_import", planted.judge_the_deadline_before_the_answer, _OBEYED),
    _plant(faults.FaultRules, "observe", planted.never_end_the_outage, _EARNED, 80),
    _plant(_WAITER, "_on_import", planted.keep_the_interval_at_a_transition, "the_schedule_is_kept"),
    _plant(faults.FaultRules, "on_error", planted.believe_the_first_404, _EARNED),
    _plant(_WAITER, "_on_throttle", planted.treat_a_429_as_a_fault, _EARNED),
    _plant(_STEPS, "sleep", planted.sleep_past_the_deadline, "no_request_past_the_deadline"),
    _plant(
        _WAITER,
        "_outlasts_single_poll",
        planted.wait_for_any_hold,
        _HOLDS,
        550,
    ),
    _plant(steps, "first_deadline", planted.count_a_status_from_the_start, _EARNED, 180),
    _plant(faults.FaultRules, "observe", planted.always_assume_first_contact, _EARNED, 340),
    _plant(record.Record, "has_seen", planted.forget_seen_statuses, "events_tell_the_truth"),
    _plant(rate_limits, "_retry_after", planted.cut_retry_after_by_a_second, _NAMED),
    _plant(_LIMITS, "named_wait", planted.read_retry_after_only_on_429, _NAMED),
    _plant(_LIMITS, "named_wait", planted.read_resets_only_on_429, "clocks_end_waits", 250),
    _plant(_LIMITS, "named_wait", planted.ignore_resets_on_429, _NAMED),
    _plant(fleet, "read_rate_limits", planted.use_the_local_clock, _NAMED),
    Mutation("believe_an_implausible_reset", rate_limits, "LATEST_RESET", 1e12, _EARNED, 250),
    Mutation("believe_an_implausible_time", rate_limits, "LATEST_RETRY_AFTER", 1e12, _EARNED, 180),
    _plant(fleet, "decode", planted.let_a_page_end_the_watch, "gateways_end_nothing"),
    _plant(decoding, "read_object", planted.let_an_optional_field_cost_the_status, _OBEYED),
    _plant(
        steps.Arrival, "wait_until", planted.announce_the_schedule, "the_announced_wait_is_the_real_wait", 100
    ),
    Mutation(
        "confirm_on_the_old_connection",
        target=faults.FaultRules,
        attribute="needs_new_connection",
        replacement=False,
        caught_by="doubts_are_checked_on_a_new_connection",
    ),
    _plant(schedule, "after_named", planted.put_jitter_around_the_named_time, _NAMED),
    _plant(schedule, "throttle_ceilings", planted.never_grow_the_backoff, "refusals_back_off", 240),
    _plant(_LIMITER, "apply", planted.keep_holds_private, _NAMED),
    _plant(_LIMITER, "__init__", planted.begin_with_all_imports, _ALONE),
    _plant(_LIMITER, "start", planted.never_count_down, "no_refusal_is_our_own_fault"),
    _plant(_LIMITER, "start", planted.ignore_requests_in_flight, _ALONE),
    Mutation("reserve_nothing_for_others", windows, "RESERVE", 1 << 30, "something_is_left_for_others"),
    _plant(agenda.ScheduledImport, "urgency", planted.poll_the_last_due_first, "nobody_starves", 700),
    _plant(in_flight.InFlight, "_cancel_expired", planted.never_cancel_a_request, "every_wait_ends", 60),
    _plant(agenda.Agenda, "take_due", planted.skip_the_last_poll, "the_last_look_is_taken"),
    _plant(_CODES, "result", planted.ignore_any_suffices, _CODE, 70),
    _plant(_CODES, "result", planted.count_imports_left_behind, _CODE),
    _plant(loop.Loop, "leave", planted_groups.keep_polling_for_nobody, "every_request_has_a_reader"),
    _plant(fleet.Fleet, "take_due", planted_groups.let_a_stalled_group_block_others, "every_wait_ends", 60),
    _plant(agenda.Agenda, "_start", planted_groups.deliver_to_one_group, "events_tell_the_truth"),
    _plant(agenda.Agenda, "finish", planted_groups.deliver_to_late_groups, "events_tell_the_truth", 120),
    _plant(fleet.Fleet, "join", planted_groups.hide_the_hold_from_groups, _HOLDS),
    _plant(group.Group, "pause", planted_groups.let_unread_events_pile_up, "unread_events_are_bounded"),
    _plant(
        agenda.Agenda,
        "_start",
        planted_groups.ask_on_the_connection_of_the_last_group,
        "doubts_are_checked_on_a_new_connection",
        400,
    ),
)
"""The simulation catches each within a few hundred seeds; a new one needs a line here and a rule above."""
