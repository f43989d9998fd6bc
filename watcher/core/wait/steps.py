"""Input and output of a ``Waiter``, and the rules of how a wait sleeps and ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple

from watcher.core import defaults
from watcher.core.answers.rate_limits import Hold
from watcher.core.events import Ended, Event, Retrying
from watcher.core.messages import outcomes as messages
from watcher.core.model import ImportRef, Instant
from watcher.core.policy import Policy
from watcher.core.schedule import PollSchedule
from watcher.core.statuses import ImportStatus, Outcome
from watcher.core.wait.record import Record


class Deadline(NamedTuple):
    """A deadline on the monotonic clock and its limit, in seconds; ``status`` is None for the whole wait."""

    at: float
    limit: float
    status: ImportStatus | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """The time of a reply, and what it means for the next poll.

    Attributes:
        asked_at: The time of its request on the monotonic clock.
        hold: The hold that it caused.
        allowed_at: When the rate limits, which all imports share, allow the next poll.
    """

    asked_at: float
    now: Instant
    hold: Hold | None = None
    allowed_at: float = -math.inf

    def wait_until(self, wake_at: float, deadline: float) -> float:
        """Return the seconds until a poll that is due at ``wake_at`` is really sent."""
        return max(wake_at, min(self.allowed_at, deadline)) - self.now.monotonic


@dataclass(frozen=True, slots=True)
class Step:
    """The events after one input, when to poll next (None if the wait is over), and the first deadline.

    Times are on the monotonic clock in seconds. ``fresh`` is whether the poll must use a new connection.
    """

    events: tuple[Event, ...]
    wake_at: float | None
    deadline: float = math.inf
    fresh: bool = False


def first_deadline(policy: Policy, record: Record) -> Deadline:
    """Return the deadline that passes first if the status does not change.

    A deadline that passed before this run resumed the wait applies only after one more poll: the import may
    have been completed meanwhile. That poll may take as long as an outage.
    """
    deadline = Deadline(record.started + policy.timeout, policy.timeout)
    status = record.status
    if isinstance(status, ImportStatus) and status in policy.max_in_state:
        limit = policy.max_in_state[status]
        if record.since + limit <= deadline.at:
            deadline = Deadline(record.since + limit, limit, status)
    if record.stale_since is None or deadline.at > record.stale_since:
        return deadline
    return deadline._replace(at=record.stale_since + min(policy.outage_budget, defaults.OUTAGE_BUDGET))


class StepBuilder:
    """Decide how long a wait sleeps and how it ends."""

    __slots__ = ("_policy", "_record", "over", "polls", "ref")

    def __init__(self, ref: ImportRef, policy: Policy, record: Record, random: Random) -> None:
        self.ref = ref
        self.over = False
        self.polls = PollSchedule(policy, random)
        self._policy = policy
        self._record = record

    @property
    def deadline(self) -> Deadline:
        """The first deadline of the wait."""
        return first_deadline(self._policy, self._record)

    def sleep(
        self,
        wake_at: float,
        arrival: Arrival,
        *,
        latest: float = math.inf,
        events: Sequence[Event] = (),
        next_step: str = "",
    ) -> Step:
        """Return a step that polls at ``wake_at``, at the latest at the first deadline.

        A deadline is judged only after a reply at or past it. A hold delays the poll, even past ``latest``.
        If it ends past the deadline, it ends the wait, unless a fault caused it: its last poll is at the
        deadline. ``next_step`` is the user's next step after a timeout.
        """
        now, hold, deadline = arrival.now, arrival.hold, self.deadline
        if now.monotonic >= deadline.at:
            fact = messages.timed_out(deadline.limit, deadline.status)
            return self.end(Outcome.TIMEOUT, fact, now, events, next_step=next_step)
        if hold is not None:
            if (end := self.end_if_held_past(hold, now, events)) is not None:
                return end
            wake_at, latest = max(wake_at, hold.resume_at), max(latest, hold.until)
        return Step(tuple(events), min(wake_at, latest, deadline.at), deadline.at)

    def retry(
        self, wait: float, arrival: Arrival, *, detail: str, in_a_row: int, latest: float, next_step: str = ""
    ) -> Step:
        """Return a step that retries after ``wait`` seconds, limited like ``sleep``, and reports it."""
        now = arrival.now
        step = self.sleep(now.monotonic + wait, arrival, latest=latest, next_step=next_step)
        if step.wake_at is None:
            return step
        wait = arrival.wait_until(step.wake_at, step.deadline)
        event = Retrying(self.ref, now, self._record.progress(now), detail, wait, in_a_row)
        return replace(step, events=(event,))

    def end_if_held_past(self, hold: Hold, now: Instant, events: Sequence[Event] = ()) -> Step | None:
        """Return the end of the wait if the API named a time past the deadline."""
        deadline = self.deadline
        if not hold.named or hold.last_poll_at <= max(deadline.at, now.monotonic):
            return None
        fact = messages.held_past_limit(hold.last_poll_at - now.monotonic, deadline.limit, deadline.status)
        return self.end(Outcome.TIMEOUT, fact, now, events)

    def end_at_status(self, outcome: Outcome, now: Instant, events: Sequence[Event] = ()) -> Step:
        """Return the end of the wait that the last observed status decides."""
        fact = messages.at_status(outcome, self._record.progress(now), self._policy)
        return self.end(outcome, fact, now, events)

    def end(
        self,
        outcome: Outcome,
        fact: str,
        now: Instant,
        events: Sequence[Event] = (),
        *,
        next_step: str = "",
        signal: int | None = None,
        left_behind: bool = False,
    ) -> Step:
        """Return the last step of the wait; see ``Ended`` and ``outcomes.final`` for the arguments."""
        self.over = True
        progress, requests = self._record.progress(now), self._record.requests
        message = messages.final(
            outcome,
            fact,
            progress,
            last_error=requests.last_error,
            error_age=now.monotonic - requests.error_at,
            next_step=next_step,
        )
        ended = Ended(self.ref, now, progress, outcome, message, signal, left_behind)
        return Step((*events, ended), None)
