"""The wait for one import as a sans-I/O state machine: replies and time in, events and wake-ups out."""

from __future__ import annotations

import math
from dataclasses import replace
from signal import Signals
from typing import TYPE_CHECKING, assert_never

from watcher.core import lifecycle, schedule
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
from watcher.core.events import Changed, Ended, MetThrottle, MetUnknownStatus, Retrying, Watching
from watcher.core.messages import outcomes as explain
from watcher.core.statuses import ImportStatus, Outcome, UnknownStatus, UnknownStatusRule
from watcher.core.text import duration
from watcher.core.wait import verdicts
from watcher.core.wait.clocks import first_clock
from watcher.core.wait.faults import FaultRules, Retry
from watcher.core.wait.record import Record
from watcher.core.wait.steps import Step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from watcher.core.answers.rate_limits import Hold
    from watcher.core.answers.replies import Reply
    from watcher.core.events import Event, Progress
    from watcher.core.model import Import, ImportRef, Instant
    from watcher.core.policy import Policy
    from watcher.core.wait.clocks import Clock
    from watcher.core.wait.saved import SavedWait
    from watcher.core.wait.steps import Arrival


class Waiter:
    """Holds every rule of the wait for one import.

    It reads no clock and does no I/O: the caller asks the API, hands in each reply with the time, and asks
    again at ``wake_at``. Where the rate limit lets no request through by then, ``refuse`` says whether the
    wait ends.

    Args:
        ref: The import.
        policy: What the user asked for.
        started: When this run takes the wait up.
        random: The source of jitter.
        memory: What an earlier run kept of it; without it, the wait begins.
    """

    __slots__ = (
        "_adversity",
        "_interval",
        "_intervals",
        "_missed",
        "_policy",
        "_random",
        "_record",
        "_throttled",
        "over",
        "ref",
    )

    def __init__(
        self,
        ref: ImportRef,
        policy: Policy,
        started: Instant,
        random: Random,
        memory: SavedWait | None = None,
    ) -> None:
        self.ref = ref
        self.over = False
        self._policy = policy
        self._random = random
        self._record = Record(started) if memory is None else Record.restored(memory, started)
        self._intervals = self._new_intervals()
        self._interval = policy.min_interval
        self._adversity = FaultRules(policy, random)
        self._throttled = False
        self._missed = 0

    @property
    def deadline(self) -> float:
        """The moment, on the monotonic clock in seconds, at which a clock of the user's runs out."""
        return first_clock(self._policy, self._record).runs_out

    def progress(self, now: Instant) -> Progress:
        """Tells how far the wait has come.

        Args:
            now: The time.

        Returns:
            A snapshot.
        """
        return self._record.progress(now.monotonic)

    def trouble(self, now: Instant) -> str | None:
        """Tells what keeps the wait from news.

        Args:
            now: The time.

        Returns:
            A clause; None after a good answer, and where the import is only not there yet.
        """
        last, outage = self._record.trouble, self._adversity.outage
        if outage is not None and last is not None:
            return f"no usable answer for {duration(now.monotonic - outage.began)}: {last.detail}"
        return "rate limited" if self._throttled else None

    def begin(self, now: Instant) -> Step:
        """Begins the wait.

        Args:
            now: The time.

        Returns:
            A step that asks at once.
        """
        progress = self.progress(now)
        watching = Watching(self.ref, now, progress, explain.goal(self._policy, progress))
        return Step((watching,), now.monotonic, self._interval, self.deadline)

    def recall(self, hold: Hold | None, now: Instant) -> Step | None:
        """Ends the wait where what an earlier run kept leaves nothing to ask.

        Args:
            hold: The stretch without requests that it left.
            now: The time.

        Returns:
            The end; None where the import is to be asked for.
        """
        status = self._record.status
        if status is not None and self._record.is_final:
            outcome = lifecycle.judge(status, self._policy.until, self._policy.fail_on)
            if outcome is not None:
                return self._end(outcome, explain.reached(outcome, self.progress(now), self._policy), now)
        if hold is None or hold.resume_at <= now.monotonic:
            return None
        if self._policy.once:
            what = explain.held_look(hold, now)
            return self._end(Outcome.UNAVAILABLE, what, now, advice="Look again later.")
        return self._end_if_held_past(hold, first_clock(self._policy, self._record), now)

    def receive(self, reply: Reply, arrival: Arrival) -> Step:
        """Takes in what a request brought.

        Args:
            reply: The decoded answer, or what went wrong.
            arrival: When it came.

        Returns:
            What to tell, and when to ask next.
        """
        self._record.polls += 1
        self._throttled = isinstance(reply, Throttled)
        if not isinstance(reply, Missing):
            self._missed = 0
        self._adversity.note(reply)
        match reply:
            case Found():
                return self._take_import(reply.found, arrival)
            case Throttled():
                return self._take_throttle(reply, arrival)
            case Fault():
                return self._take_fault(reply, arrival)
            case Denied(token_changed=True):
                return self._take_new_token(reply, arrival)
            case Missing() if self._record.status is None and arrival.now.monotonic < self._appear_by:
                return self._take_patience(reply, arrival)
            case Missing() | Denied() | Refused() | Redirected() | WrongImport():
                return self._take_verdict(reply, arrival)
            case _:
                assert_never(reply)

    def refuse(self, hold: Hold | None, now: Instant) -> Step | None:
        """Ends the wait where the rate limit lets no request through in time.

        A single look waits for the others' rate limit no longer than for an outage.

        Args:
            hold: The stretch without requests that all imports share.
            now: The time.

        Returns:
            The end; None while there is still time to ask.
        """
        if hold is not None and self._policy.once and self._is_past_patience(hold, now):
            what = explain.forgone_look(hold, now)
            return self._end(Outcome.UNAVAILABLE, what, now, advice="Look again later.")
        clock = first_clock(self._policy, self._record)
        if hold is not None and (end := self._end_if_held_past(hold, clock, now)) is not None:
            return end
        if now.monotonic >= clock.runs_out:
            why = "before the rate limit or the other imports left a last request"
            what = f"timed out: {clock.option} ran out {why}"
            return self._end(Outcome.TIMEOUT, what, now)
        return None

    def interrupt(self, signal: int, now: Instant) -> Step:
        """Ends the wait because of a signal.

        Args:
            signal: Its number.
            now: The time.

        Returns:
            The end.
        """
        spent = duration(self._record.elapsed(now.monotonic))
        what = f"interrupted by {Signals(signal).name} after {spent}"
        return self._end(Outcome.INTERRUPTED, what, now, signal=signal)

    def abandon(self, decisive: ImportRef, now: Instant) -> Step:
        """Ends the wait because another import's end decided the watch.

        Args:
            decisive: That import.
            now: The time.

        Returns:
            The end.
        """
        what = f"no longer watched, for {decisive} ended the watch"
        return self._end(Outcome.PENDING, what, now, left_behind=True)

    @property
    def _appear_by(self) -> float:
        return self._record.started.monotonic + self._policy.appear_within

    def _new_intervals(self) -> Iterator[float]:
        return schedule.growing(self._policy.min_interval, self._policy.max_interval, self._policy.growth)

    def _next_poll(self, now: Instant) -> float:
        self._interval = next(self._intervals)
        return now.monotonic + schedule.poll_wait(self._interval, self._random)

    def _take_import(self, found: Import, arrival: Arrival) -> Step:
        now, policy = arrival.now, self._policy
        self._adversity.overcome()
        events: list[Event] = []
        is_unknown = not isinstance(found.status, ImportStatus)
        is_news = is_unknown and not self._record.met(found.status)
        transition = self._record.see(found, now)
        if transition is not None:
            events.append(Changed(self.ref, now, self.progress(now), transition))
            self._intervals = self._new_intervals()
        if is_unknown:
            if policy.unknown_status is UnknownStatusRule.FAIL:
                advice = "Look at the import in LaunchDarkly; --unknown-status wait would wait on."
                return self._end(Outcome.PROTOCOL, explain.UNKNOWN_STATUS, now, events, advice=advice)
            if is_news:
                events.append(
                    MetUnknownStatus(self.ref, now, self.progress(now), UnknownStatus(found.status))
                )
        outcome = lifecycle.judge(found.status, policy.until, policy.fail_on)
        if outcome is not None:
            return self._end(outcome, explain.reached(outcome, self.progress(now), policy), now, events)
        if policy.once and now.monotonic < self.deadline:
            return self._end(Outcome.PENDING, "not final yet", now, events)
        return self._sleep(self._next_poll(now), arrival, events=events)

    def _take_throttle(self, reply: Throttled, arrival: Arrival) -> Step:
        now, hold = arrival.now, arrival.hold
        self._record.throttled += 1
        self._record.trouble = explain.LastError(str(reply.error), now.monotonic)
        self._adversity.end_outage()
        if self._policy.once:
            what = explain.refused_look(reply.error, hold, now)
            advice = "The limit is shared by the whole account: look again later."
            return self._end(Outcome.UNAVAILABLE, what, now, advice=advice)
        resume_at = self._next_poll(now) if hold is None else hold.resume_at
        named = hold.until - now.monotonic if hold is not None and hold.named else None
        in_a_row = 1 if hold is None else hold.in_a_row
        step = self._sleep(resume_at, arrival)
        if step.wake_at is None:
            return step
        told = MetThrottle(self.ref, now, self.progress(now), step.wake_at - now.monotonic, named, in_a_row)
        return replace(step, events=(told,))

    def _take_patience(self, reply: Missing, arrival: Arrival) -> Step:
        self._adversity.end_outage()
        self._record.looked = True
        self._fail(str(reply.error), arrival.now)
        detail = f"the import is not there yet: {reply.error}"
        if self._policy.once and self._policy.remembered:
            return self._end(Outcome.PENDING, detail, arrival.now)
        self._missed += 1
        wake_at = self._next_poll(arrival.now)
        return self._retry(Retry(wake_at, detail, self._missed, latest=self._appear_by), arrival)

    def _take_new_token(self, reply: Denied, arrival: Arrival) -> Step:
        self._fail(str(reply.error), arrival.now)
        return self._carry_out(self._adversity.take_new_token(reply, arrival, self.deadline), arrival)

    def _take_verdict(self, reply: verdicts.ErrorReply, arrival: Arrival) -> Step:
        seen = self._record.last is not None
        verdict = verdicts.verdict(reply, seen=seen)
        self._fail(verdict.detail, arrival.now)
        decision = self._adversity.take_verdict(reply, verdict, arrival, self.deadline, seen=seen)
        return self._carry_out(decision, arrival)

    def _take_fault(self, fault: Fault, arrival: Arrival) -> Step:
        self._fail(fault.detail, arrival.now)
        return self._carry_out(self._adversity.take_fault(fault, arrival, self.deadline), arrival)

    def _carry_out(self, decision: verdicts.Failure | Retry, arrival: Arrival) -> Step:
        if isinstance(decision, Retry):
            return self._retry(decision, arrival)
        return self._end(decision.outcome, decision.what, arrival.now)

    def _fail(self, detail: str, now: Instant) -> None:
        self._record.errors += 1
        self._record.trouble = explain.LastError(detail, now.monotonic)

    def _retry(self, retry: Retry, arrival: Arrival) -> Step:
        step = self._sleep(retry.wake_at, arrival, latest=retry.latest)
        if step.wake_at is None:
            return step
        now, wait = arrival.now, step.wake_at - arrival.now.monotonic
        told = Retrying(self.ref, now, self.progress(now), retry.detail, wait, retry.in_a_row)
        return replace(step, events=(told,))

    def _sleep(
        self, wake_at: float, arrival: Arrival, *, latest: float = math.inf, events: list[Event] | None = None
    ) -> Step:
        """Cuts a sleep to the user's clocks, which are judged only after an answer at or past them."""
        now, hold = arrival.now, arrival.hold
        clock = first_clock(self._policy, self._record)
        if now.monotonic >= clock.runs_out:
            advice = explain.NOT_THERE if self._missed else None
            what = f"timed out: {clock.option} ran out"
            return self._end(Outcome.TIMEOUT, what, now, events, advice=advice)
        if hold is not None:
            end = self._end_if_held_past(hold, clock, now, events)
            if end is not None:
                return end
            wake_at = max(wake_at, hold.resume_at)
            latest = max(latest, hold.until)
        wake_at = min(wake_at, latest, clock.runs_out)
        return Step(tuple(events or ()), wake_at, self._interval, clock.runs_out)

    def _is_past_patience(self, hold: Hold, now: Instant) -> bool:
        """Tells whether a hold lasts longer than a look waits: since the run began, if it is a refusal's."""
        outage = self._adversity.outage
        if outage is not None:
            since = outage.began
        else:
            since = self._record.resumed if hold.in_a_row else now.monotonic
        until = hold.until if hold.named else hold.resume_at
        appears_by = self._appear_by if self._missed else now.monotonic
        return until > max(appears_by, since + self._policy.outage_budget, now.monotonic)

    def _end_if_held_past(
        self, hold: Hold, clock: Clock, now: Instant, events: list[Event] | None = None
    ) -> Step | None:
        if not hold.named or hold.until <= clock.runs_out:
            return None
        return self._end(Outcome.TIMEOUT, explain.held_past(hold, clock.option, now), now, events)

    def _end(
        self,
        outcome: Outcome,
        what: str,
        now: Instant,
        events: list[Event] | None = None,
        *,
        advice: str | None = None,
        signal: int | None = None,
        left_behind: bool = False,
    ) -> Step:
        self.over = True
        progress = self.progress(now)
        message = explain.explain(outcome, what, progress, self._record.trouble, now.monotonic, advice=advice)
        ended = Ended(self.ref, now, progress, outcome, message, signal, left_behind)
        return Step((*(events or ()), ended), None, self._interval, self.deadline)
