"""Messages that differ only in numbers count as the same, so that many imports share one line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from watcher.core.events import Ended
from watcher.core.messages.outcomes import without_last_status
from watcher.core.model import ImportRef

_VARYING = re.compile(r" for \d[\d.]*+\w++| \d[\d.]*+\w++ ago|(?<!HTTP )\b\w*\d(?:\w|\.\w)*")
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
    """Group ends with the same outcome and reason; yield one end for each group, and its imports.

    It is the first end. If the last statuses in the group differ, its message names none.
    """
    groups: dict[tuple[str, bool, str], list[Ended]] = {}
    for end in ends:
        reason = shape_of(without_last_status(end))
        groups.setdefault((end.outcome, end.left_behind, reason), []).append(end)
    for group in groups.values():
        first = group[0]
        if len({end.progress.status for end in group}) > 1:
            first = replace(first, message=without_last_status(first))
        yield first, [end.ref for end in group]
