"""The wait for one import as a sans-I/O state machine: replies and time in, events and wake-ups out."""

from __future__ import annotations

from signal import Signals
from typing import TYPE_CHECKING

from watcher.core import lifecycle
from watcher.core.events import Watching
from watcher.core.messages import outcomes as messages
from watcher.core.statuses import Outcome
from watcher.core.wait.record import Record
from watcher.core.wait.reply_rules import ReplyRules
from watcher.core.wait.steps import StepBuilder

if TYPE_CHECKING:
    from random import Random

    from watcher.core.answers.rate_limits import Hold
    from watcher.core.answers.replies import Reply
    from watcher.core.events import Progress
    from watcher.core.model import ImportRef, Instant
    from watcher.core.policy import Policy
    from watcher.core.wait.saved import SavedWait
    from watcher.core.wait.steps import Arrival, Step


class Waiter:
    """All rules of the wait for one import.

    It reads no clock and does no I/O: the caller polls the API, passes each reply with the time, and polls
    again at ``wake_at``. If the rate limit allows no request by then, ``end_if_held`` decides.

    Args:
        ref: The import.
        policy: The settings of the wait.
        started: When this run starts or resumes the wait.
        random: The source of jitter.
        saved: The state that an earlier run saved; None for a new wait.
    """

    __slots__ = ("_policy", "_record", "_replies", "_run_began", "_steps", "ref")

    def __init__(
        self,
        ref: ImportRef,
        policy: Policy,
        started: Instant,
        random: Random,
        saved: SavedWait | None = None,
    ) -> None:
        self.ref = ref
        self._policy = policy
        self._run_began = started.monotonic
        self._record = Record(started) if saved is None else Record.restored(saved, started)
        self._steps = StepBuilder(ref, policy, self._record, random)
        self._replies = ReplyRules(policy, self._record, self._steps, random)

    @property
    def over(self) -> bool:
        """Whether the wait has ended."""
        return self._steps.over

    @property
    def deadline(self) -> float:
        """The first deadline of the wait, on the monotonic clock in seconds."""
        return self._steps.deadline.at

    def progress(self, now: Instant) -> Progress:
        """Return a snapshot of the wait."""
        return self._record.progress(now.monotonic)

    def problem(self, now: Instant) -> str | None:
        """Return why the status may be out of date; None after a usable answer or a new import's 404."""
        error, outage = self._record.last_error, self._replies.faults.outage
        if outage is not None and error is not None:
            return messages.no_answer(now.monotonic - outage.began, error.detail)
        return messages.RATE_LIMITED if self._replies.rate_limited else None

    def begin(self, now: Instant) -> Step:
        """Return the first step, which polls at once."""
        progress = self.progress(now)
        goal = messages.goal(self._policy, progress)
        return self._steps.poll_now(now, [Watching(self.ref, now, progress, goal)])

    def end_before_first_poll(self, hold: Hold | None, now: Instant) -> Step | None:
        """Return the end of a wait that needs no poll, by the state and hold that an earlier run saved."""
        status = self._record.status
        if status is not None and self._record.is_final:
            outcome = lifecycle.judge(status, self._policy.until, self._policy.fail_on)
            if outcome is not None:
                return self._steps.end_at_status(outcome, now)
        if hold is None or hold.resume_at <= now.monotonic:
            return None
        if self._policy.once:
            wait = hold.resume_at - now.monotonic
            fact = messages.not_polled(wait, named=hold.named, earlier_run=True)
            return self._steps.end(Outcome.UNAVAILABLE, fact, now, next_step=messages.CHECK_LATER)
        return self._steps.end_if_held_past(self._steps.deadline, hold, now)

    def receive(self, reply: Reply, arrival: Arrival) -> Step:
        """Return the step after a reply, a decoded response or a fault."""
        return self._replies.step_after(reply, arrival)

    def end_if_held(self, hold: Hold | None, now: Instant) -> Step | None:
        """Return the end of the wait if the hold that all imports share allows no poll in time."""
        if hold is not None and self._policy.once and self._outlasts_single_poll(hold, now):
            wait = (hold.until if hold.named else hold.resume_at) - now.monotonic
            fact = messages.not_polled(wait, named=hold.named, earlier_run=False)
            return self._steps.end(Outcome.UNAVAILABLE, fact, now, next_step=messages.CHECK_LATER)
        deadline = self._steps.deadline
        if hold is not None and (end := self._steps.end_if_held_past(deadline, hold, now)) is not None:
            return end
        if now.monotonic >= deadline.at:
            fact = messages.timed_out(deadline.limit, deadline.status, polled=False)
            return self._steps.end(Outcome.TIMEOUT, fact, now)
        return None

    def interrupt(self, signal: int, now: Instant) -> Step:
        """Return the end of the wait because of a signal with this number."""
        fact = messages.interrupted(Signals(signal).name, self._record.elapsed(now.monotonic))
        return self._steps.end(Outcome.INTERRUPTED, fact, now, signal=signal)

    def leave_behind(self, decisive: ImportRef, now: Instant, *, succeeded: bool) -> Step:
        """Return the end of the wait because another import ended the whole watch."""
        fact = messages.left_behind(decisive, succeeded=succeeded)
        return self._steps.end(Outcome.PENDING, fact, now, left_behind=True)

    def _outlasts_single_poll(self, hold: Hold, now: Instant) -> bool:
        """Return whether a hold lasts longer than a single poll may take, which is as long as an outage."""
        outage = self._replies.faults.outage
        since = self._run_began if hold.in_a_row else now.monotonic
        since = since if outage is None else outage.began
        until = hold.until if hold.named else hold.resume_at
        appear_by = self._replies.appear_by if self._replies.missed else now.monotonic
        return until > max(appear_by, since + self._policy.outage_budget, now.monotonic)
