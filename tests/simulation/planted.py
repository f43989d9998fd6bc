"""Rules with a small deliberate fault each, to stand in place of the right ones."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING

from watcher.core import exit_codes, lifecycle
from watcher.core.answers import decoding, rate_limits
from watcher.core.answers.replies import Fault, FaultKind, Found, Missing, WrongImport
from watcher.core.fleet import agenda, limiter
from watcher.core.model import Import
from watcher.core.statuses import ImportStatus, Outcome, parse_status
from watcher.core.wait import clocks, faults, record, waiter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from random import Random

    from watcher.api import in_flight
    from watcher.core.answers.rate_limits import Hold, RateLimits
    from watcher.core.answers.replies import Answer, Reply, Throttled
    from watcher.core.events import Ended, Event
    from watcher.core.model import ImportRef, Instant
    from watcher.core.policy import Policy
    from watcher.core.statuses import Status
    from watcher.core.wait.clocks import Clock
    from watcher.core.wait.steps import Arrival, Step
    from watcher.core.wait.verdicts import ErrorReply

_sleep = waiter.Waiter._sleep  # noqa: SLF001 (a fault is planted where the rule is)
_take_import = waiter.Waiter._take_import  # noqa: SLF001 (it is broken on purpose)
_take_verdict = waiter.Waiter._take_verdict  # noqa: SLF001 (it is broken on purpose)
_retry_after = rate_limits._retry_after  # noqa: SLF001 (it is broken on purpose)
_take_due = agenda.Agenda.take_due
_limiter_init = limiter.Limiter.__init__
_named_wait = rate_limits.RateLimits.named_wait
_decode = decoding.decode
_is_at_or_past = lifecycle.is_at_or_past
_read_rate_limits = rate_limits.read_rate_limits
_conclude = exit_codes.ExitCodes.conclude
_budget = faults.budget
_first_clock = clocks.first_clock


def honour_retry_after_minus_a_second(value: str, now: float) -> float | None:
    """Waits a second less than ``Retry-After`` says."""
    wait = _retry_after(value, now)
    return None if wait is None else wait - 1


def forget_the_identity_guard(ref: ImportRef, answer: Answer) -> Reply:
    """Takes another import's status for this one's."""
    reply = _decode(ref, answer)
    return (
        Found(Import(parse_status(json.loads(answer.body)["status"])))
        if isinstance(reply, WrongImport)
        else reply
    )


def lose_a_status_after_a_fault(self: waiter.Waiter, found: Import, arrival: Arrival) -> Step:
    """Passes over the first good answer after an outage."""
    if self._adversity.outage is None:
        return _take_import(self, found, arrival)
    self._adversity.outage = None
    return self._sleep(self._next_poll(arrival.now), arrival)


def judge_the_clock_before_the_answer(self: waiter.Waiter, found: Import, arrival: Arrival) -> Step:
    """Times out although the last look shows a final status."""
    if arrival.now.monotonic >= self.deadline:
        return self._end(Outcome.TIMEOUT, "timed out", arrival.now)
    return _take_import(self, found, arrival)


def never_end_the_outage(self: waiter.Waiter, found: Import, arrival: Arrival) -> Step:
    """Counts the outage budget from the first fault ever."""
    stretch = self._adversity.outage
    step = _take_import(self, found, arrival)
    self._adversity.outage = stretch
    return step


def keep_the_interval_at_a_transition(self: waiter.Waiter, found: Import, arrival: Arrival) -> Step:
    """Does not begin the schedule anew."""
    intervals = self._intervals
    step = _take_import(self, found, arrival)
    self._intervals = intervals
    return step


def believe_the_first_missing(self: waiter.Waiter, reply: ErrorReply, arrival: Arrival) -> Step:
    """Ends at a single 404 of an import that was seen."""
    if isinstance(reply, Missing):
        return self._end(Outcome.NOT_FOUND, "there is no such import", arrival.now)
    return _take_verdict(self, reply, arrival)


def take_a_refusal_for_a_fault(self: waiter.Waiter, reply: Throttled, arrival: Arrival) -> Step:
    """Counts 429 as a part of an outage."""
    return self._take_fault(Fault(FaultKind.SERVER, str(reply.error)), arrival)


def sleep_past_the_deadline(
    self: waiter.Waiter,
    wake_at: float,
    arrival: Arrival,
    *,
    latest: float = math.inf,
    events: list[Event] | None = None,
) -> Step:
    """Does not cut a sleep to the user's clocks."""
    step = _sleep(self, wake_at, arrival, latest=latest, events=events)
    return step if step.wake_at is None else replace(step, wake_at=max(step.wake_at, wake_at))


def count_a_status_from_the_start(policy: Policy, seen: record.Record) -> Clock:
    """Counts the time in a status from the start of the wait."""
    since, seen.since = seen.since, seen.started.monotonic
    clock = _first_clock(policy, seen)
    seen.since = since
    return clock


def ignore_retry_after_but_on_refusals(self: RateLimits, *, throttled: bool) -> float | None:
    """Reads ``Retry-After`` on a 429 only."""
    return _named_wait(self if throttled else replace(self, retry_after=None), throttled=throttled)


def ignore_resets_but_on_refusals(self: RateLimits, *, throttled: bool) -> float | None:
    """Overlooks that a 200 leaves nothing of a window."""
    return _named_wait(self if throttled else replace(self, budgets=()), throttled=throttled)


def ignore_resets_on_refusals(self: RateLimits, *, throttled: bool) -> float | None:
    """Reads only ``Retry-After`` on a 429."""
    return _named_wait(replace(self, latest_reset=None) if throttled else self, throttled=throttled)


def take_moments_by_the_local_clock(headers: Mapping[str, str], received_unix: float) -> RateLimits:
    """Overlooks the ``Date`` header."""
    return _read_rate_limits({name: headers[name] for name in headers if name != "date"}, received_unix)


def take_stopped_for_progress(status: Status, goal: ImportStatus) -> bool:
    """Treats ``stopped`` as past ``ready``."""
    return status is ImportStatus.STOPPED or _is_at_or_past(status, goal)


def give_a_failing_code_for_any(
    self: exit_codes.ExitCodes, ended: Iterable[Ended], *, any_suffices: bool = False
) -> exit_codes.Result:
    """Lets one failure decide although ``--any`` has its success."""
    return _conclude(self, ended, any_suffices=any_suffices and False)


def count_those_left_behind(
    self: exit_codes.ExitCodes, ended: Iterable[Ended], *, any_suffices: bool = False
) -> exit_codes.Result:
    """Lets imports that were left behind decide the code."""
    return _conclude(self, [replace(end, left_behind=False) for end in ended], any_suffices=any_suffices)


def forget_what_was_told(self: record.Record, status: Status) -> bool:  # noqa: ARG001 (the rule's signature)
    """Warns of an unknown status each time it shows."""
    return False


def take_no_last_look(self: agenda.Agenda, now: float, room: int) -> agenda.Due:
    """Ends at the deadline without one more request."""
    self._wake(now)
    late = self._take_expired(now)
    asked, later = _take_due(self, now, room)
    return agenda.Due(asked, late + later)


def sit_out_any_hold(self: waiter.Waiter, hold: Hold, now: Instant) -> bool:  # noqa: ARG001 (the rule's signature)
    """Lets a single look wait for others' rate limits as long as these last."""
    return False


def keep_holds_to_oneself(self: limiter.Limiter, hold: Hold) -> None:
    """Does not share a hold with the other imports."""


def begin_all_at_once(self: limiter.Limiter, random: Random) -> None:
    """Does not wait for the first answer."""
    _limiter_init(self, random)
    self._abreast = math.inf


def never_count_down(self: limiter.Limiter, now: float) -> None:
    """Does not take a request off what the window has left."""
    self._started_at = now
    self._under_way += 1
    self._started_since += 1


def forget_requests_under_way(self: limiter.Limiter, now: float) -> None:
    """Takes requests off the windows, but does not know that they are under way."""
    self._started_at = now
    for window in self._windows.values():
        window.left -= 1
    self._under_way = 0


def wait_for_any_answer(self: in_flight.InFlight) -> None:
    """Never gives a request up."""


def serve_the_last_comer(self: agenda.Watched, now: float) -> float:
    """Serves by order of arrival, the latest first."""
    return self.due - now


def always_take_it_for_first_contact(policy: Policy, kind: FaultKind | None, *, answered: bool) -> float:
    """Gives an unknown host 30 s even after answers came."""
    return _budget(policy, kind, answered=answered and False)


def refuse_without_growth() -> Iterator[float]:
    """Backs off from each refusal as from the first."""
    return repeat(2.0)


def come_before_the_moment(wait: float, random: Random) -> float:
    """Puts the jitter around the moment instead of on top."""
    return random.uniform(-1, 1) * min(wait, 1)
