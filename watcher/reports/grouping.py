"""Messages that differ only in numbers count as the same, so that many imports share one line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from watcher.core.events import Ended
from watcher.core.model import ImportRef

_VARYING = re.compile(r" for \d[\d.]*\w+| \d[\d.]*\w+ ago|(?<!HTTP )\b\w*\d(?:\w|\.\w)*")
"""Durations, request IDs and other words with digits; equal faults differ in these."""


def shape_of(text: str) -> str:
    """Return a message without the words that differ between imports with the same trouble."""
    return _VARYING.sub("", text)


def summarize(texts: Iterable[str]) -> str:
    """Return the most frequent text, and how often it occurs if there are others."""
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for text in texts:
        shape = shape_of(text)
        counts[shape] += 1
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
