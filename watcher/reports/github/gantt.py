"""The statuses over time as a Mermaid Gantt chart.

Only this Mermaid diagram is to scale, labels statuses that lasted a moment, and aligns several imports.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from watcher.core.statuses import INCONCLUSIVE, SUCCESSES, ImportStatus
from watcher.core.text import duration, printable
from watcher.reports.documents import ImportDocument

MAX_BARS = 60
"""More bars are unreadable, and GitHub draws no diagram of more than 50,000 characters."""

_KNOWN = frozenset(ImportStatus)
_NO_FAILURES = SUCCESSES | INCONCLUSIVE

# The axis shows the time since the start of the wait: the chart has only dates, in the reader's time zone, so
# it starts at midnight on a day without a change to or from summer time.
_START = datetime(2000, 1, 1)  # noqa: DTZ001 (Mermaid reads it without a zone)

_AXES = ((10.0, "%-S.%L s"), (3600.0, "%M:%S"), (86_400.0, "%H:%M"), (math.inf, "day %-j %Hh"))


def gantt(imports: Sequence[ImportDocument]) -> str | None:
    """Return a chart with a section for each of several imports; None if no status lasted long enough."""
    drawn = [(number, document) for number, document in enumerate(imports, 1) if document.transitions]
    start = min((document.transitions[0].elapsed_s for _, document in drawn), default=0.0)
    end = max((_end(document) for _, document in drawn), default=0.0)
    if end <= start:
        return None
    axis = next(axis for longest, axis in _AXES if end < longest)
    lines = ["gantt", "dateFormat YYYY-MM-DD HH:mm:ss.SSS", f"axisFormat {axis}", "todayMarker off"]
    if len(imports) > 1:
        lines.insert(0, '%%{init: {"gantt": {"leftPadding": 170}}}%%')
    left = MAX_BARS
    for number, document in drawn:
        bars = list(_bars(document))[-left:] if left else []
        left -= len(bars)
        if bars and len(imports) > 1:
            lines.append(f"section {number} {_escape(printable(document.segment, limit=20))}")
        lines += bars
    return "".join(f"{line}\n" for line in lines)


def _bars(document: ImportDocument) -> Iterator[str]:
    """Write a bar for each status; the last status of a failure is marked."""
    ends = [transition.elapsed_s for transition in document.transitions[1:]] + [_end(document)]
    for transition, end in zip(document.transitions, ends, strict=True):
        start = transition.elapsed_s
        tags = ["done"]
        if transition is document.transitions[-1]:
            # Not "active": its label is unreadable in the dark theme.
            tags = [] if document.outcome in _NO_FAILURES else ["crit"]
        # Quotes keep an unknown status from being a keyword, such as "title".
        label = _escape(transition.to if transition.to in _KNOWN else f'"{transition.to}"')
        if end > start:
            label += f" {duration(end - start)}"
        else:
            tags.append("milestone")
        date = (_START + timedelta(seconds=start)).isoformat(" ", "milliseconds")
        yield f"{label} :{', '.join([*tags, date])}, {round(max(0.0, end - start) * 1000)}ms"


def _end(document: ImportDocument) -> float:
    return document.transitions[-1].elapsed_s + (document.in_state_s or 0.0)


def _escape(text: str) -> str:
    """Write special characters as Mermaid's entity codes, which its grammar and directives ignore."""
    return re.sub(r"[^A-Za-z0-9_. -]", lambda match: f"#{ord(match[0])};", text)
