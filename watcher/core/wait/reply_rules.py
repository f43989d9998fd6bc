"""The meaning of each reply for the wait for one import."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from watcher.core import lifecycle
from watcher.core.answers.replies import (
    Denied,
    Fault,
    Found,
    Missing,
    Redirected,
    Refused,
    Throttled,
    WrongImport,
)
from watcher.core.events import Changed, MetThrottle, MetUnknownStatus, Retrying
from watcher.core.messages import outcomes as messages
from watcher.core.statuses import ImportStatus, Outcome, UnknownStatus, UnknownStatusRule
from watcher.core.wait.faults import FaultRules, Retry, interpret
from watcher.core.wait.record import LastError

if TYPE_CHECKING:
    from random import Random

    from watcher.core.answers.replies import Reply
    from watcher.core.events import Event
    from watcher.core.model import Import, Instant
    from watcher.core.policy import Policy
    from watcher.core.wait.faults import ErrorReply, Failure
    from watcher.core.wait.record import Record
    from watcher.core.wait.steps import Arrival, Step, StepBuilder


class ReplyRules:
    """Decide on the step after each reply.

    Attributes:
        faults: The rules for faults and error replies.
        rate_limited: Whether the last reply was a 429.
        missed: Consecutive 404s of an import that may not exist yet.
    """

    __slots__ = ("_policy", "_record", "_steps", "faults", "missed", "rate_limited")

    def __init__(self, policy: Policy, record: Record, steps: StepBuilder, random: Random) -> None:
        self._policy = policy
        self._record = record
        self._steps = steps
        self.faults = FaultRules(policy, random)
        self.rate_limited = False
        self.missed = 0

    @property
    def appear_by(self) -> float:
        """Until when a 404 means that a new import does not exist yet, on the monotonic clock in seconds."""
        return self._record.started.monotonic + self._policy.appear_within

    def step_after(self, reply: Reply, arrival: Arrival) -> Step:
        """Return the step after a reply, a decoded response or a fault."""
        self._record.counts.polls += 1
        self.rate_limited = isinstance(reply, Throttled)
        if not isinstance(reply, Missing):
            self.missed = 0
        self.faults.observe(reply)
        match reply:
            case Found():
                return self._on_import(reply.found, arrival)
            case Throttled():
                return self._on_throttle(reply, arrival)
            case Fault():
                return self._on_fault(reply, arrival)
            case Denied(token_changed=True):
                return self._on_new_token(reply, arrival)
            case Missing() if self._record.status is None and arrival.now.monotonic < self.appear_by:
                return self._on_not_yet_there(reply, arrival)
            case Missing() | Denied() | Refused() | Redirected() | WrongImport():
                return self._on_error(reply, arrival)
            case _:
                assert_never(reply)

    def _on_import(self, found: Import, arrival: Arrival) -> Step:
        now, policy = arrival.now, self._policy
        self.faults.reset()
        events: list[Event] = []
        is_unknown = not isinstance(found.status, ImportStatus)
        is_new = not self._record.has_seen(found.status)
        transition = self._record.observe(found, now)
        if transition is not None:
            events.append(Changed(self._steps.ref, now, self._steps.progress(now), transition))
            self._steps.polls.restart()
        if is_unknown and policy.unknown_status is UnknownStatusRule.FAIL:
            fact = messages.unknown_status(found.status)
            advice = messages.CHECK_UNKNOWN_STATUS
            return self._steps.end(Outcome.PROTOCOL, fact, now, events, next_step=advice)
        if is_unknown and is_new:
            unknown = UnknownStatus(found.status)
            events.append(MetUnknownStatus(self._steps.ref, now, self._steps.progress(now), unknown))
        outcome = lifecycle.judge(found.status, policy.until, policy.fail_on)
        if outcome is not None:
            return self._steps.end_at_status(outcome, now, events)
        if policy.once and now.monotonic < self._steps.deadline.at:
            return self._steps.end(Outcome.PENDING, messages.NOT_FINAL, now, events)
        return self._steps.sleep(now.monotonic + self._steps.polls.next_wait(), arrival, events=events)

    def _on_throttle(self, reply: Throttled, arrival: Arrival) -> Step:
        now, hold, error = arrival.now, arrival.hold, str(reply.error)
        self._record.counts.throttled += 1
        self._record.last_error = LastError(error, now.monotonic)
        self.faults.end_outage()
        named_wait = hold.until - now.monotonic if hold is not None and hold.named else None
        if self._policy.once:
            fact = messages.rate_limited(error, named_wait)
            advice = messages.CHECK_LATER_SHARED_LIMIT
            return self._steps.end(Outcome.UNAVAILABLE, fact, now, next_step=advice)
        resume_at = now.monotonic + self._steps.polls.next_wait() if hold is None else hold.resume_at
        step = self._steps.sleep(resume_at, arrival)
        if step.wake_at is None:
            return step
        wait, in_a_row = step.wake_at - now.monotonic, 1 if hold is None else hold.in_a_row
        event = MetThrottle(self._steps.ref, now, self._steps.progress(now), wait, named_wait, in_a_row)
        return replace(step, events=(event,))

    def _on_not_yet_there(self, reply: Missing, arrival: Arrival) -> Step:
        now = arrival.now
        self.faults.end_outage()
        self._record.stale_since = None
        self._note_error(str(reply.error), now)
        detail = messages.not_yet_there(str(reply.error))
        if self._policy.once and self._policy.remembered:
            return self._steps.end(Outcome.PENDING, detail, now)
        self.missed += 1
        wake_at = now.monotonic + self._steps.polls.next_wait()
        retry = Retry(wake_at, detail, self.missed, latest=self.appear_by)
        return self._retry(retry, arrival, next_step=messages.CHECK_TARGET)

    def _on_new_token(self, reply: Denied, arrival: Arrival) -> Step:
        self._note_error(str(reply.error), arrival.now)
        return self._apply(self.faults.judge_new_token(reply, arrival, self._steps.deadline.at), arrival)

    def _on_error(self, reply: ErrorReply, arrival: Arrival) -> Step:
        seen = self._record.last is not None
        failure = interpret(reply, seen=seen)
        self._note_error(failure.detail, arrival.now)
        decision = self.faults.judge_error(reply, failure, arrival, self._steps.deadline.at, seen=seen)
        return self._apply(decision, arrival)

    def _on_fault(self, fault: Fault, arrival: Arrival) -> Step:
        self._note_error(fault.detail, arrival.now)
        return self._apply(self.faults.judge_fault(fault, arrival, self._steps.deadline.at), arrival)

    def _note_error(self, detail: str, now: Instant) -> None:
        self._record.counts.errors += 1
        self._record.last_error = LastError(detail, now.monotonic)

    def _apply(self, decision: Failure | Retry, arrival: Arrival) -> Step:
        if isinstance(decision, Retry):
            return self._retry(decision, arrival)
        return self._steps.end(decision.outcome, decision.fact, arrival.now)

    def _retry(self, retry: Retry, arrival: Arrival, *, next_step: str | None = None) -> Step:
        step = self._steps.sleep(retry.wake_at, arrival, latest=retry.latest, next_step=next_step)
        if step.wake_at is None:
            return step
        now, wait = arrival.now, step.wake_at - arrival.now.monotonic
        event = Retrying(self._steps.ref, now, self._steps.progress(now), retry.detail, wait, retry.in_a_row)
        return replace(step, events=(event,))
