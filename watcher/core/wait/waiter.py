"""The wait for one import as a sans-I/O state machine: replies and time in, events and wake-ups out."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from signal import Signals

from watcher.core import lifecycle
from watcher.core.answers.rate_limits import Hold
from watcher.core.answers.replies import Denied, Fault, Found, Missing, Reply, Throttled
from watcher.core.events import Changed, Event, MetThrottle, MetUnknownStatus, Progress, Watching
from watcher.core.messages import outcomes as messages
from watcher.core.model import Import, ImportRef, Instant
from watcher.core.policy import Policy
from watcher.core.statuses import ImportStatus, Outcome, UnknownStatus, UnknownStatusRule
from watcher.core.wait.faults import FaultRules
from watcher.core.wait.record import Record
from watcher.core.wait.saved import SavedWait
from watcher.core.wait.steps import Arrival, Step, StepBuilder


class Waiter:
    """All rules of the wait for one import.

    It reads no clock and does no I/O: the caller polls the API, passes each reply with the time, and polls
    again at ``wake_at``. If the rate limit allows no last poll, ``end_unpolled`` ends the wait.

    ``started`` is when this run starts the wait, or resumes the ``saved`` one.
    """

    __slots__ = ("_faults", "_missed", "_policy", "_rate_limited", "_record", "_run_began", "_steps", "ref")

    def __init__(
        self, ref: ImportRef, policy: Policy, started: Instant, random: Random, saved: SavedWait | None = None
    ) -> None:
        self.ref = ref
        self._policy = policy
        self._run_began = started.monotonic
        self._record = Record(started.monotonic) if saved is None else Record.restored(saved, started)
        self._steps = StepBuilder(ref, policy, self._record, random)
        self._faults = FaultRules(policy, self._record, self._steps, random)
        self._rate_limited = False
        self._missed = 0  # consecutive 404s of an import that may not exist yet

    @property
    def over(self) -> bool:
        """Whether the wait has ended."""
        return self._steps.over

    @property
    def deadline(self) -> float:
        """The first deadline of the wait, on the monotonic clock in seconds."""
        return self._steps.deadline.at

    @property
    def interval(self) -> float:
        """The present polling interval in seconds, whatever hold or backoff delays the next poll."""
        return self._steps.polls.interval

    def progress(self, now: Instant) -> Progress:
        """Return a snapshot of the wait."""
        return self._record.progress(now)

    def trouble(self, now: Instant) -> str | None:
        """Return why the status may be out of date; None after a usable response or a new import's 404."""
        error, outage = self._record.requests.last_error, self._faults.outage
        if outage is not None and error is not None:
            return messages.no_usable_response(now.monotonic - outage.began, error)
        return messages.RATE_LIMITED if self._rate_limited else None

    def begin(self, now: Instant) -> Step:
        """Return the first step, which polls at once."""
        progress = self.progress(now)
        watching = Watching(self.ref, now, progress, messages.goal(self._policy, progress))
        return Step((watching,), now.monotonic, self.deadline)

    def end_before_first_poll(self, hold: Hold | None, now: Instant) -> Step | None:
        """Return the end of a wait that needs no poll, by the state and hold that an earlier run saved."""
        status = self._record.status
        if status is not None and status in lifecycle.FINAL:
            outcome = lifecycle.outcome_of(status, self._policy.until, self._policy.fail_on)
            if outcome is not None:
                return self._steps.end_at_status(outcome, now)
        if hold is None or hold.resume_at <= now.monotonic:
            return None
        if self._policy.once:
            wait = hold.resume_at - now.monotonic
            fact = messages.not_polled(wait, named=hold.named, earlier_run=True)
            return self._steps.end(Outcome.UNAVAILABLE, fact, now, next_step=messages.CHECK_LATER)
        return self._steps.end_if_held_past(hold, now)

    def resume(self, now: Instant) -> None:
        """Apply a deadline that has passed only after one more poll, because none was sent for a while."""
        if now.monotonic >= self.deadline:
            self._record.stale_since = now.monotonic

    def receive(self, reply: Reply, arrival: Arrival) -> Step:
        """Return the step after a reply, a decoded response or a fault."""
        step = self._receive(reply, arrival)
        return replace(step, fresh=True) if self._faults.needs_new_connection and not self.over else step

    def _receive(self, reply: Reply, arrival: Arrival) -> Step:
        self._record.requests.polls += 1
        self._rate_limited = isinstance(reply, Throttled)
        if not isinstance(reply, Missing):
            self._missed = 0
        self._faults.observe(reply)
        match reply:
            case Found(found):
                return self._on_import(found, arrival)
            case Throttled():
                return self._on_throttle(reply, arrival)
            case Fault():
                return self._faults.on_fault(reply, arrival)
            case Denied(token_changed=True):
                return self._faults.on_new_token(reply, arrival)
            case Missing() if self._record.status is None and arrival.now.monotonic < self._appear_by:
                return self._on_not_yet_there(reply, arrival)
            case _:
                return self._faults.on_error(reply, arrival)

    def end_if_held(self, hold: Hold | None, now: Instant) -> Step | None:
        """Return the end of the wait if the hold that all imports share allows no poll in time."""
        if hold is not None and self._policy.once and self._outlasts_single_poll(hold, now):
            wait = (hold.until if hold.named else hold.resume_at) - now.monotonic
            fact = messages.not_polled(wait, named=hold.named, earlier_run=False)
            return self._steps.end(Outcome.UNAVAILABLE, fact, now, next_step=messages.CHECK_LATER)
        return None if hold is None else self._steps.end_if_held_past(hold, now)

    def end_unpolled(self, hold: Hold | None, now: Instant) -> Step:
        """Return the end of the wait past its deadline if no last poll is possible."""
        end = self.end_if_held(hold, now)
        if end is not None:
            return end
        deadline = self._steps.deadline
        fact = messages.timed_out(deadline.limit, deadline.status, polled=False)
        return self._steps.end(Outcome.TIMEOUT, fact, now)

    def interrupt(self, signal: int, now: Instant) -> Step:
        """Return the end of the wait because of a signal with this number."""
        fact = messages.interrupted(Signals(signal).name, self._record.elapsed(now.monotonic))
        return self._steps.end(Outcome.INTERRUPTED, fact, now, signal=signal)

    def leave_behind(self, decisive: ImportRef, outcome: Outcome, now: Instant, *, succeeded: bool) -> Step:
        """Return the end of the wait because another import, with this outcome, ended the whole watch."""
        fact = messages.left_behind(decisive, outcome, succeeded=succeeded)
        return self._steps.end(Outcome.PENDING, fact, now, left_behind=True)

    @property
    def _appear_by(self) -> float:
        """Until when a 404 means that a new import does not exist yet, on the monotonic clock in seconds."""
        return self._record.started + self._policy.appear_within

    def _on_import(self, found: Import, arrival: Arrival) -> Step:
        now, policy, status = arrival.now, self._policy, found.status
        events: list[Event] = []
        is_unknown = not isinstance(status, ImportStatus)
        is_new = is_unknown and not self._record.has_seen(status)
        transition = self._record.observe(found, now)
        if transition is not None:
            events.append(Changed(self.ref, now, self.progress(now), transition))
            self._steps.polls.restart()
        if is_unknown and policy.unknown_status is UnknownStatusRule.FAIL:
            advice = messages.CHECK_UNKNOWN_STATUS
            fact = messages.unknown_status(status)
            return self._steps.end(Outcome.PROTOCOL, fact, now, events, next_step=advice)
        if is_new:
            events.append(MetUnknownStatus(self.ref, now, self.progress(now), UnknownStatus(status)))
        outcome = lifecycle.outcome_of(status, policy.until, policy.fail_on)
        if outcome is not None:
            return self._steps.end_at_status(outcome, now, events)
        if policy.once and now.monotonic < self.deadline:
            return self._steps.end(Outcome.PENDING, messages.NOT_FINAL, now, events)
        return self._steps.sleep(now.monotonic + self._steps.polls.next_wait(), arrival, events=events)

    def _on_throttle(self, reply: Throttled, arrival: Arrival) -> Step:
        now, hold, error = arrival.now, arrival.hold, str(reply.error)
        self._record.record_failure(error, now, throttled=True)
        named_wait = hold.until - now.monotonic if hold is not None and hold.named else None
        if self._policy.once:
            fact = messages.rate_limited(error, named_wait)
            advice = messages.CHECK_LATER_SHARED_LIMIT
            return self._steps.end(Outcome.UNAVAILABLE, fact, now, next_step=advice)
        resume_at = now.monotonic + self._steps.polls.next_wait() if hold is None else hold.resume_at
        step = self._steps.sleep(resume_at, arrival)
        if step.wake_at is None:
            return step
        wait = arrival.wait_until(step.wake_at, step.deadline)
        in_a_row = 1 if hold is None else hold.in_a_row
        event = MetThrottle(self.ref, now, self.progress(now), wait, named_wait, in_a_row)
        return replace(step, events=(event,))

    def _on_not_yet_there(self, reply: Missing, arrival: Arrival) -> Step:
        now = arrival.now
        self._faults.outage = None
        self._record.stale_since = None
        self._record.record_failure(str(reply.error), now)
        detail = messages.not_yet_there(str(reply.error))
        if self._policy.once and self._policy.remembered:
            return self._steps.end(Outcome.PENDING, detail, now)
        self._missed += 1
        wait, latest, advice = self._steps.polls.next_wait(), self._appear_by, messages.CHECK_TARGET
        return self._steps.retry(
            wait, arrival, detail=detail, in_a_row=self._missed, latest=latest, next_step=advice
        )

    def _outlasts_single_poll(self, hold: Hold, now: Instant) -> bool:
        """Return whether a hold lasts longer than a single poll may take, which is as long as an outage."""
        outage = self._faults.outage
        since = self._run_began if hold.in_a_row else now.monotonic
        since = since if outage is None else outage.began
        until = hold.until if hold.named else hold.resume_at
        appear_by = self._appear_by if self._missed else now.monotonic
        return until > max(appear_by, since + self._policy.outage_budget, now.monotonic)
