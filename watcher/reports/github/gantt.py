"""A picture of the statuses over time, as a Gantt chart of Mermaid.

Of Mermaid's diagrams only this one is to scale, has room for the name of a status that lasted a moment, and
shows several imports beside each other.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from watcher.core.statuses import INCONCLUSIVE, SUCCESSES, ImportStatus
from watcher.core.text import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from watcher.reports.documents import ImportDocument

MOST_BARS = 60
"""More than these cannot be read, and GitHub draws no diagram of more than 50 000 characters."""

_LONGEST_NAME = 20
_KNOWN = frozenset(str(status) for status in ImportStatus)
_NO_FAILURES = SUCCESSES | INCONCLUSIVE

# The chart knows moments only, and draws them in the reader's time zone. This day is far from any change
# to or from summer time, so that the axis tells the time since the wait began.
_BEGIN = datetime(2000, 1, 1)  # noqa: DTZ001 (no zone: the text is what counts)

_AXES = ((10.0, "%-S.%L s"), (3600.0, "%M:%S"), (86_400.0, "%H:%M"))
_LONGEST_AXIS = "day %-j %Hh"


def gantt(imports: Sequence[ImportDocument]) -> str | None:
    """Draws the statuses of imports.

    Args:
        imports: The imports, each with what was seen of it; of several, each has the number of its place.

    Returns:
        The chart's text, at most ``MOST_BARS`` bars long; None where nothing lasted long enough to be drawn.
    """
    drawn = [(number, document) for number, document in enumerate(imports, 1) if document.transitions]
    begin = min((document.transitions[0].elapsed_s for _, document in drawn), default=0.0)
    end = max((_end(document) for _, document in drawn), default=0.0)
    if end <= begin:
        return None
    axis = next((axis for longest, axis in _AXES if end < longest), _LONGEST_AXIS)
    lines = ["gantt", "dateFormat YYYY-MM-DD HH:mm:ss.SSS", f"axisFormat {axis}", "todayMarker off"]
    if len(imports) > 1:
        lines.insert(0, '%%{init: {"gantt": {"leftPadding": 170}}}%%')
    room = MOST_BARS
    for number, document in drawn:
        bars = list(_bars(document))[-room:] if room else []
        room -= len(bars)
        if bars and len(imports) > 1:
            lines.append(f"section {number} {_label(_shortened(document.segment))}")
        lines += bars
    return "".join(f"{line}\n" for line in lines)


def bars_of(imports: Iterable[ImportDocument]) -> int:
    """Counts the bars that all statuses of imports would take.

    Args:
        imports: The imports.

    Returns:
        Their number, which may be more than ``MOST_BARS``.
    """
    return sum(len(document.transitions) for document in imports)


def _bars(document: ImportDocument) -> Iterator[str]:
    """Writes a bar for each status; the one in which a wait ended badly is marked."""
    ends = [transition.elapsed_s for transition in document.transitions[1:]] + [_end(document)]
    for transition, end in zip(document.transitions, ends, strict=True):
        begin = transition.elapsed_s
        tags = ["done"]
        if transition is document.transitions[-1]:
            # Not "active": in the dark theme nobody can read its label beside the bar.
            tags = ["crit"] if document.outcome not in _NO_FAILURES else []
        # In quotes an unknown status is none of the grammar's words, such as "title".
        label = _label(transition.to if transition.to in _KNOWN else f'"{transition.to}"')
        if end > begin:
            label += f" {duration(end - begin)}"
        else:
            tags.append("milestone")
        moment = (_BEGIN + timedelta(seconds=begin)).isoformat(" ", "milliseconds")
        yield f"{label} :{', '.join([*tags, moment])}, {round(max(0.0, end - begin) * 1000)}ms"


def _end(document: ImportDocument) -> float:
    return document.transitions[-1].elapsed_s + (document.in_state_s or 0.0)


def _shortened(key: str) -> str:
    return key if len(key) <= _LONGEST_NAME else f"{key[: _LONGEST_NAME - 3]}..."


def _label(text: str) -> str:
    """Writes text with Mermaid's entity codes, which its grammar and directives do not look into."""
    return re.sub(r"[^A-Za-z0-9_. -]", lambda match: f"#{ord(match[0])};", text)
