"""Small deliberate faults in the rules, to prove that the simulation finds such."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.simulation import planted
from watcher.api import in_flight
from watcher.core import exit_codes, lifecycle, schedule
from watcher.core.answers import rate_limits
from watcher.core.fleet import agenda, fleet, limiter
from watcher.core.wait import faults, record, waiter

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Mutation:
    """One planted fault.

    Attributes:
        name: What it is.
        target: The module or class that is changed.
        attribute: What of it.
        replacement: What stands there instead.
        caught_by: The invariant that it breaks.
        first: The seed to begin with; a rare one spares the search from 0.
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


_WAITER, _LIMITER, _LIMITS = waiter.Waiter, limiter.Limiter, rate_limits.RateLimits
_NAMED = "no_request_before_a_named_moment"
_CODE = "the_code_follows_the_contract"

MUTATIONS: tuple[Mutation, ...] = (
    _plant(fleet, "decode", planted.forget_the_identity_guard, "verdicts_are_obeyed"),
    _plant(lifecycle, "is_at_or_past", planted.take_stopped_for_progress, "verdicts_are_obeyed"),
    _plant(_WAITER, "_take_import", planted.lose_a_status_after_a_fault, "verdicts_are_obeyed"),
    _plant(_WAITER, "_take_import", planted.judge_the_clock_before_the_answer, "verdicts_are_obeyed"),
    _plant(_WAITER, "_take_import", planted.never_end_the_outage, "ends_are_earned"),
    _plant(_WAITER, "_take_import", planted.keep_the_interval_at_a_transition, "the_schedule_is_kept"),
    _plant(_WAITER, "_take_verdict", planted.believe_the_first_missing, "ends_are_earned"),
    _plant(_WAITER, "_take_throttle", planted.take_a_refusal_for_a_fault, "ends_are_earned"),
    _plant(_WAITER, "_sleep", planted.sleep_past_the_deadline, "no_request_past_the_deadline"),
    _plant(
        _WAITER, "_is_past_patience", planted.sit_out_any_hold, "holds_past_the_deadline_end_all_waits", 550
    ),
    _plant(waiter, "first_clock", planted.count_a_status_from_the_start, "ends_are_earned"),
    _plant(faults, "budget", planted.always_take_it_for_first_contact, "ends_are_earned", 150),
    _plant(record.Record, "met", planted.forget_what_was_told, "events_tell_the_truth"),
    _plant(rate_limits, "_retry_after", planted.honour_retry_after_minus_a_second, _NAMED),
    _plant(_LIMITS, "named_wait", planted.ignore_retry_after_but_on_refusals, _NAMED),
    _plant(_LIMITS, "named_wait", planted.ignore_resets_but_on_refusals, "clocks_end_waits", 250),
    _plant(_LIMITS, "named_wait", planted.ignore_resets_on_refusals, _NAMED),
    _plant(fleet, "read_rate_limits", planted.take_moments_by_the_local_clock, _NAMED),
    Mutation("believe_an_absurd_reset", rate_limits, "LATEST_RESET", 1e12, "ends_are_earned"),
    _plant(schedule, "after_named", planted.come_before_the_moment, _NAMED),
    _plant(schedule, "throttle_ceilings", planted.refuse_without_growth, "refusals_back_off"),
    _plant(_LIMITER, "_share", planted.keep_holds_to_oneself, _NAMED),
    _plant(_LIMITER, "__init__", planted.begin_all_at_once, "the_first_request_goes_alone"),
    _plant(_LIMITER, "start", planted.never_count_down, "no_refusal_is_our_own_fault"),
    _plant(_LIMITER, "start", planted.forget_requests_under_way, "the_first_request_goes_alone"),
    Mutation("keep_nothing_for_others", limiter, "RESERVE", 1 << 30, "something_is_left_for_others"),
    _plant(agenda.Watched, "overdue", planted.serve_the_last_comer, "nobody_starves", 400),
    _plant(in_flight.InFlight, "_give_up_late", planted.wait_for_any_answer, "every_wait_ends"),
    _plant(agenda.Agenda, "take_due", planted.take_no_last_look, "the_last_look_is_taken"),
    _plant(exit_codes.ExitCodes, "conclude", planted.give_a_failing_code_for_any, _CODE),
    _plant(exit_codes.ExitCodes, "conclude", planted.count_those_left_behind, _CODE),
)
"""Each is caught within a few hundred seeds; a new one needs a replacement above and a line here."""
