"""Faults, rate limits and failures that many imports share, to be reported once for all of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from watcher.core.events import Changed, Ended, Heartbeat, MetThrottle, Retrying, Watching
from watcher.core.model import ImportRef
from watcher.core.statuses import Outcome

Snapshot = Callable[[ImportRef], Heartbeat | None]

_VARYING = re.compile(r" for \d[\d.]*\w+| \d[\d.]*\w+ ago|(?<!HTTP )\b\w*\d\w*\b|\.\d+")
"""Durations, request IDs and other words with digits; equal faults differ in these."""


def shape_of(text: str) -> str:
    """Return a message without the words that differ between imports with the same trouble."""
    return _VARYING.sub("", text)


class Outage:
    """The imports without a usable response, until all of them have one again.

    A response that shows no transition is no event, so ``snapshot`` tells whether an import recovered.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._affected: dict[ImportRef, None] = {}
        self._recovered: list[ImportRef] = []
        self._told: set[str] = set()
        self._began = self._ended = 0.0

    @property
    def affected(self) -> int:
        """The number of imports without a usable response."""
        return len(self._affected)

    def add(self, event: Retrying) -> bool:
        """Add an import; return whether its fault is the first of its kind in this outage."""
        if not self._affected:
            self._began = self._ended = event.at.unix
            self._told.clear()
            self._recovered.clear()
        self._affected[event.ref] = None
        shape = shape_of(event.detail)
        is_new = shape not in self._told
        self._told.add(shape)
        return is_new

    def remove(self, ref: ImportRef) -> None:
        """Remove an import whose own event says that it recovered or ended."""
        self._affected.pop(ref, None)

    def take_recovered(self) -> tuple[list[ImportRef], float] | None:
        """Return the imports that recovered without an event, and the length of the outage in seconds.

        It is None during the outage, and if no import recovered in this way.
        """
        for ref in list(self._affected):
            snapshot = self._snapshot(ref)
            # An import that was never seen recovers with a transition.
            if snapshot is not None and (snapshot.trouble is not None or snapshot.progress.status is None):
                return None
            del self._affected[ref]
            if snapshot is not None:
                self._recovered.append(ref)
                self._ended = max(self._ended, snapshot.progress.seen_at or snapshot.at.unix)
        recovered, self._recovered = self._recovered, []
        return (recovered, self._ended - self._began) if recovered else None


@dataclass(slots=True)
class Pending:
    """What lines to come depend on; ``waiting`` imports have not ended.

    Attributes:
        change: A transition that was not written yet, because a success may follow from it.
    """

    outage: Outage
    waiting: int = 0
    successes: list[Outcome] = field(default_factory=list)
    change: Changed | None = None
    goals: list[Watching] = field(default_factory=list)
    faults: dict[ImportRef, Retrying | MetThrottle] = field(default_factory=dict)
    throttles: dict[ImportRef, Retrying | MetThrottle] = field(default_factory=dict)
    ends: list[Ended] = field(default_factory=list)


def summarize(texts: Iterable[str]) -> str:
    """Return the most frequent text, and how often it occurs if there are others."""
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for text, count in Counter(texts).items():
        shape = shape_of(text)
        counts[shape] += count
        examples.setdefault(shape, text)
    (shape, count), *others = counts.most_common()
    return f"{examples[shape]} ({count} times) and other errors" if others else examples[shape]


def grouped(ends: Iterable[Ended]) -> Iterator[tuple[Ended, list[ImportRef]]]:
    """Group ends with the same outcome and reason; yield the first one of each group, and its imports."""
    groups: dict[tuple[str, bool, str], tuple[Ended, list[ImportRef]]] = {}
    for end in ends:
        key = end.outcome, end.left_behind, shape_of(end.message)
        groups.setdefault(key, (end, []))[1].append(end.ref)
    yield from groups.values()
