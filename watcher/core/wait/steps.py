"""Input and output of a ``Waiter``, and the rules of how a wait sleeps and ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from watcher.core.events import Ended
from watcher.core.messages import outcomes as messages
from watcher.core.schedule import PollSchedule
from watcher.core.statuses import Outcome
from watcher.core.wait.deadlines import first_deadline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from watcher.core.answers.rate_limits import Hold
    from watcher.core.events import Event, Progress
    from watcher.core.model import ImportRef, Instant
    from watcher.core.policy import Policy
    from watcher.core.wait.deadlines import Deadline
    from watcher.core.wait.record import Record


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a reply arrived.

    Attributes:
        asked_at: When the request was sent, on the monotonic clock in seconds.
        now: When the reply arrived.
        hold: The hold that this reply caused.
    """

    asked_at: float
    now: Instant
    hold: Hold | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The consequences of one input.

    Attributes:
        events: The events, in order.
        wake_at: When to poll next, on the monotonic clock in seconds; None if the wait is over.
        interval: The present polling interval in seconds, whatever hold or backoff sets ``wake_at``; it
            weighs the import's turn among others.
        deadline: The first deadline of the wait, on that clock.
    """

    events: tuple[Event, ...]
    wake_at: float | None
    interval: float
    deadline: float


class StepBuilder:
    """Decide how long a wait sleeps and how it ends."""

    __slots__ = ("_policy", "_record", "over", "polls", "ref")

    def __init__(self, ref: ImportRef, policy: Policy, record: Record, random: Random) -> None:
        self.ref = ref
        self.over = False
        self._policy = policy
        self._record = record
        self.polls = PollSchedule(policy, random)

    @property
    def deadline(self) -> Deadline:
        """The first deadline of the wait."""
        return first_deadline(self._policy, self._record)

    def progress(self, now: Instant) -> Progress:
        """Return a snapshot of the wait."""
        return self._record.progress(now.monotonic)

    def poll_now(self, now: Instant, events: Sequence[Event]) -> Step:
        """Return a step that polls at once."""
        return Step(tuple(events), now.monotonic, self.polls.interval, self.deadline.at)

    def sleep(
        self,
        wake_at: float,
        arrival: Arrival,
        *,
        latest: float = math.inf,
        events: Sequence[Event] = (),
        next_step: str | None = None,
    ) -> Step:
        """Return a step that polls at ``wake_at``, at the latest at the first deadline.

        A deadline is judged only after a reply at or past it.

        Args:
            wake_at: When to poll next, on the monotonic clock in seconds.
            arrival: The reply, with a hold that delays the poll, or ends the wait if it ends too late.
            latest: When to poll at the latest, on that clock, unless a hold lasts longer.
            events: The events of the step.
            next_step: The next step for the user after a timeout, if it does not follow from the last status.
        """
        now, hold, deadline = arrival.now, arrival.hold, self.deadline
        if now.monotonic >= deadline.at:
            fact = messages.timed_out(deadline.limit, deadline.status)
            return self.end(Outcome.TIMEOUT, fact, now, events, next_step=next_step)
        if hold is not None:
            end = self.end_if_held_past(deadline, hold, now, events)
            if end is not None:
                return end
            wake_at = max(wake_at, hold.resume_at)
            latest = max(latest, hold.until)
        return Step(tuple(events), min(wake_at, latest, deadline.at), self.polls.interval, deadline.at)

    def end_if_held_past(
        self, deadline: Deadline, hold: Hold, now: Instant, events: Sequence[Event] = ()
    ) -> Step | None:
        """Return the end of the wait if the API named a time past the deadline."""
        if not hold.named or hold.until <= deadline.at:
            return None
        fact = messages.held_past_limit(hold.until - now.monotonic, deadline.limit, deadline.status)
        return self.end(Outcome.TIMEOUT, fact, now, events)

    def end_at_status(self, outcome: Outcome, now: Instant, events: Sequence[Event] = ()) -> Step:
        """Return the end of the wait that the last observed status decides."""
        return self.end(outcome, messages.at_status(outcome, self.progress(now), self._policy), now, events)

    def end(
        self,
        outcome: Outcome,
        fact: str,
        now: Instant,
        events: Sequence[Event] = (),
        *,
        next_step: str | None = None,
        signal: int | None = None,
        left_behind: bool = False,
    ) -> Step:
        """Return the last step of the wait; see ``Ended`` and ``outcomes.final`` for the arguments."""
        self.over = True
        progress, error = self.progress(now), self._record.last_error
        message = messages.final(
            outcome,
            fact,
            progress,
            last_error=None if error is None else error.detail,
            error_age=0.0 if error is None else now.monotonic - error.at,
            next_step=next_step,
        )
        ended = Ended(self.ref, now, progress, outcome, message, signal, left_behind)
        return Step((*events, ended), None, self.polls.interval, self.deadline.at)
