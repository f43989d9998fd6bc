"""Drive a Fleet by plain calls, with a clock that is moved by hand."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, TypeVar

from tests.support.driving import EPOCH, answer, import_body
from watcher.core.events import Event
from watcher.core.fleet.fleet import Fleet
from watcher.core.model import ImportRef, Instant
from watcher.core.policy import Policy, Terms
from watcher.core.statuses import SUCCESSES, Outcome
from watcher.core.wait.saved import SavedState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from watcher.core.answers.replies import Answer, Fault
    from watcher.core.fleet.agenda import Due, Poll
    from watcher.core.fleet.group import Group

_Kind = TypeVar("_Kind", bound=Event)

_NOTHING_SAVED = SavedState()


class Edge(Random):
    """A source of the least or the most jitter."""

    def __init__(self, *, most: bool = False) -> None:
        super().__init__(0)
        self._most = most

    def uniform(self, a: float, b: float) -> float:
        """Return one of the bounds."""
        return b if self._most else a


def ref(name: str) -> ImportRef:
    """Return an import with this ID."""
    return ImportRef("default", "production", "big-spenders", name)


def succeeds(outcome: Outcome) -> bool:
    """Return whether an outcome has the default exit code 0."""
    return outcome in SUCCESSES


def found(name: str, status: str = "preparing", **headers: str) -> Answer:
    """Return a response that shows an import with a status."""
    return answer(import_body(id=name, status=status), 200, **headers)


def throttled(**headers: str) -> Answer:
    """Return a 429."""
    return answer({"code": "rate_limited", "message": "Too many."}, 429, **headers)


class DrivenFleet:
    """A fleet with the least or the most jitter, its clock, and all its events in order."""

    def __init__(self, warn: Callable[[str], None] | None = None, *, most_jitter: bool = False) -> None:
        self.now = 0.0
        self.fleet = Fleet(Edge(most=most_jitter), warn)
        self.events: list[tuple[Group, Event]] = []

    def instant(self) -> Instant:
        """Return the time on both clocks."""
        return Instant(self.now, EPOCH + self.now)

    def join(
        self,
        *names: str,
        policy: Policy | None = None,
        saved: SavedState = _NOTHING_SAVED,
        announced: Collection[ImportRef] = (),
        any_suffices: bool = False,
        fail_fast: bool = False,
        heartbeat: float = float("inf"),
    ) -> Group:
        """Begin to watch imports together."""
        terms = Terms(policy or Policy(), succeeds, any_suffices, fail_fast, heartbeat)
        group = self.fleet.join(terms)
        self.take(
            (group, event) for event in group.begin(list(map(ref, names)), saved, announced, self.instant())
        )
        return group

    def take(self, events: Iterable[tuple[Group, Event]]) -> None:
        """Record events as they come."""
        self.events.extend(events)

    def due(self, at: float | None = None, *, capacity: int = 100) -> Due:
        """Move the clock, and return the polls to send and the imports to end."""
        self.now = self.now if at is None else at
        return self.fleet.take_due(self.instant(), capacity)

    def poll(self, at: float | None = None) -> Poll:
        """Move the clock, and return the only poll to send."""
        (poll,) = self.due(at).to_poll
        return poll

    def receive(
        self, poll: Poll, reply: Answer | Fault, *, at: float | None = None, took: float = 0.0
    ) -> None:
        """Move the clock, and pass what a poll brought."""
        self.now = self.now if at is None else at
        self.take(self.fleet.receive(poll, reply, self.now - took, self.instant()))

    def told(self, kind: type[_Kind], group: Group | None = None) -> list[_Kind]:
        """Return all events of one kind, of one group or of all."""
        return [event for owner, event in self.events if isinstance(event, kind) and group in {None, owner}]

    def wakes_at(self, *, can_send: bool = True) -> float:
        """Return when to act next."""
        return self.fleet.next_wakeup(self.now, can_send=can_send)
