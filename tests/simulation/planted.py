"""Rules with one planted bug each, as replacements for the real ones."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING
from unittest.mock import patch

from watcher.core import exit_codes, lifecycle
from watcher.core.answers import decoding, rate_limits
from watcher.core.answers.lenient import read_object
from watcher.core.answers.replies import ApiError, Denied, Fault, FaultKind, Found, Missing, WrongImport
from watcher.core.fleet import agenda, limiter
from watcher.core.model import Import
from watcher.core.schedule import PollSchedule
from watcher.core.statuses import ImportStatus, Outcome, parse_status
from watcher.core.wait import record, steps
from watcher.core.wait.faults import FaultRules
from watcher.core.wait.steps import StepBuilder
from watcher.core.wait.waiter import Waiter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from random import Random

    from watcher.api import in_flight
    from watcher.core.answers.rate_limits import Hold, RateLimits
    from watcher.core.answers.replies import Answer, Reply, Throttled
    from watcher.core.events import Ended, Event
    from watcher.core.model import ImportRef, Instant
    from watcher.core.policy import Policy
    from watcher.core.statuses import Status
    from watcher.core.wait.faults import ErrorReply
    from watcher.core.wait.steps import Arrival, Deadline, Step

_sleep = StepBuilder.sleep
_on_import = Waiter._on_import  # noqa: SLF001 (bugs are planted in private rules too)
_receive = Waiter.receive
_on_error = FaultRules.on_error
_observe = FaultRules.observe
_retry_after = rate_limits._retry_after  # noqa: SLF001 (bugs are planted in private rules too)
_take_due = agenda.Agenda.take_due
_limiter_init = limiter.Limiter.__init__
_named_wait = rate_limits.RateLimits.named_wait
_decode = decoding.decode
_is_at_or_past = lifecycle.is_at_or_past
_read_rate_limits = rate_limits.read_rate_limits
_result = exit_codes.ExitCodes.result
_first_deadline = steps.first_deadline


def cut_retry_after_by_a_second(value: str, now: float) -> tuple[float | None, bool]:
    """Wait one second less than ``Retry-After`` says."""
    wait, is_plausible = _retry_after(value, now)
    return None if wait is None else wait - 1, is_plausible


def let_a_page_end_the_watch(ref: ImportRef, answer: Answer) -> Reply:
    """Take the HTTP status of any response for LaunchDarkly's."""
    reply = _decode(ref, answer)
    if not isinstance(reply, Fault) or reply.kind is not FaultKind.GATEWAY:
        return reply
    error = ApiError(answer.status)
    if answer.status in {401, 403}:
        return Denied(error)
    return Missing(error) if answer.status in {404, 410} else reply


def let_an_optional_field_cost_the_status(body: bytes) -> Mapping[str, str] | None:
    """Refuse an import with an unreadable field."""
    try:
        json.loads(body)
    except ValueError:
        return None
    return read_object(body)


def announce_the_schedule(self: Arrival, wake_at: float, deadline: float) -> float:  # noqa: ARG001 (the rule's signature)
    """Announce a wait without the holds and windows that other imports share."""
    return wake_at - self.now.monotonic


def accept_another_import(ref: ImportRef, answer: Answer) -> Reply:
    """Accept another import's status."""
    reply = _decode(ref, answer)
    if isinstance(reply, WrongImport):
        return Found(Import(parse_status(json.loads(answer.body)["status"])))
    return reply


def ignore_the_first_status_after_a_fault(self: Waiter, reply: Reply, arrival: Arrival) -> Step:
    """Ignore the first usable answer after an outage."""
    if self._faults.outage is None or not isinstance(reply, Found):
        return _receive(self, reply, arrival)
    self._faults.outage = None
    return self._steps.sleep(arrival.now.monotonic + self._steps.polls.next_wait(), arrival)


def judge_the_deadline_before_the_answer(self: Waiter, found: Import, arrival: Arrival) -> Step:
    """Time out although the last poll shows a final status."""
    if arrival.now.monotonic >= self.deadline:
        return self._steps.end(Outcome.TIMEOUT, "timed out", arrival.now)
    return _on_import(self, found, arrival)


def never_end_the_outage(self: FaultRules, reply: Reply) -> None:
    """Count the outage budget from the first fault of the whole wait."""
    outage = self.outage
    _observe(self, reply)
    self.outage = outage


def keep_the_interval_at_a_transition(self: Waiter, found: Import, arrival: Arrival) -> Step:
    """Do not restart the polling schedule after a transition."""
    with patch.object(PollSchedule, "restart", lambda _: None):
        return _on_import(self, found, arrival)


def believe_the_first_404(self: FaultRules, reply: ErrorReply, arrival: Arrival) -> Step:
    """End at a single 404 of an import that was seen."""
    if isinstance(reply, Missing):
        return self._steps.end(Outcome.NOT_FOUND, "there is no such import", arrival.now)
    return _on_error(self, reply, arrival)


def treat_a_429_as_a_fault(self: Waiter, reply: Throttled, arrival: Arrival) -> Step:
    """Count a 429 as part of an outage."""
    return self._faults.on_fault(Fault(FaultKind.SERVER, str(reply.error)), arrival)


def sleep_past_the_deadline(
    self: StepBuilder,
    wake_at: float,
    arrival: Arrival,
    *,
    latest: float = math.inf,
    events: Sequence[Event] = (),
    next_step: str = "",
) -> Step:
    """Do not limit a sleep to the deadline."""
    step = _sleep(self, wake_at, arrival, latest=latest, events=events, next_step=next_step)
    return step if step.wake_at is None else replace(step, wake_at=max(step.wake_at, wake_at))


def count_a_status_from_the_start(policy: Policy, seen: record.Record) -> Deadline:
    """Count the time in a status from the start of the wait."""
    since, seen.since = seen.since, seen.started
    deadline = _first_deadline(policy, seen)
    seen.since = since
    return deadline


def read_retry_after_only_on_429(self: RateLimits, *, throttled: bool) -> float | None:
    """Read ``Retry-After`` only on a 429."""
    return _named_wait(self if throttled else replace(self, retry_after=None), throttled=throttled)


def read_resets_only_on_429(self: RateLimits, *, throttled: bool) -> float | None:
    """Ignore a 200 that leaves nothing of a window."""
    return _named_wait(self if throttled else replace(self, budgets=()), throttled=throttled)


def ignore_resets_on_429(self: RateLimits, *, throttled: bool) -> float | None:
    """Read only ``Retry-After`` on a 429."""
    return _named_wait(replace(self, latest_reset=None) if throttled else self, throttled=throttled)


def use_the_local_clock(headers: Mapping[str, str], received_unix: float) -> RateLimits:
    """Ignore the ``Date`` header."""
    return _read_rate_limits({name: headers[name] for name in headers if name != "date"}, received_unix)


def treat_stopped_as_progress(status: Status, goal: ImportStatus) -> bool:
    """Treat ``stopped`` as past every status."""
    return status is ImportStatus.STOPPED or _is_at_or_past(status, goal)


def ignore_any_suffices(
    self: exit_codes.ExitCodes,
    ends: Iterable[Ended],
    *,
    any_suffices: bool = False,  # noqa: ARG001 (the rule's signature)
) -> exit_codes.Result:
    """Let one failure decide although one success suffices."""
    return _result(self, ends, any_suffices=False)


def count_imports_left_behind(
    self: exit_codes.ExitCodes, ends: Iterable[Ended], *, any_suffices: bool = False
) -> exit_codes.Result:
    """Let imports that were left behind decide the code."""
    return _result(self, [replace(end, left_behind=False) for end in ends], any_suffices=any_suffices)


def forget_seen_statuses(self: record.Record, status: Status) -> bool:  # noqa: ARG001 (the rule's signature)
    """Warn of an unknown status each time it appears."""
    return False


def skip_the_last_poll(self: agenda.Agenda, now: float, capacity: int) -> agenda.Due:
    """End at the deadline without a last poll."""
    self._wake(now)
    expired = [scheduled for scheduled in self._due if now >= scheduled.deadline]
    self._due = [scheduled for scheduled in self._due if now < scheduled.deadline]
    to_poll, later = _take_due(self, now, capacity)
    return agenda.Due(to_poll, expired + later)


def wait_for_any_hold(self: Waiter, hold: Hold, now: Instant) -> bool:  # noqa: ARG001 (the rule's signature)
    """Let a single poll wait for a shared hold, however long."""
    return False


def keep_holds_private(self: limiter.Limiter, hold: Hold) -> None:
    """Do not share a hold with the other imports."""


def begin_with_all_imports(self: limiter.Limiter, random: Random) -> None:
    """Do not wait for the first answer before polling the other imports."""
    _limiter_init(self, random)
    self._concurrency.limit = math.inf


def never_count_down(self: limiter.Limiter, now: float) -> None:
    """Do not subtract a request from what the window has left."""
    self._started_at = now
    self._concurrency.start()


def ignore_requests_in_flight(self: limiter.Limiter, now: float) -> None:
    """Subtract requests from the windows, but do not count them as in flight."""
    self._started_at = now
    self._windows.start()
    self._concurrency.in_flight = 0


def never_cancel_a_request(self: in_flight.InFlight) -> None:
    """Wait for a response forever."""


def poll_the_last_due_first(self: agenda.ScheduledImport, now: float) -> float:
    """Poll the import that became due last first."""
    return self.due - now


def always_assume_first_contact(self: FaultRules, reply: Reply) -> None:
    """Allow an unknown host only 30 s even after responses have arrived."""


def never_grow_the_backoff() -> Iterator[float]:
    """Back off from each 429 as from the first."""
    return repeat(2.0)


def put_jitter_around_the_named_time(wait: float, random: Random) -> float:
    """Put the jitter around the named time instead of after it."""
    return random.uniform(-1, 1) * min(wait, 1)
