"""The result as a page of GitHub's Markdown: a table, the closing words, and a picture."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from watcher.core.statuses import SUCCESSES
from watcher.core.text import duration
from watcher.reports.github.gantt import MOST_BARS, bars_of, gantt
from watcher.reports.github.markdown import code, escape, row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watcher.reports.documents import ImportDocument, ResultDocument

MOST_ROWS = 100
"""Imports that are shown one by one; a longer table is not read."""

_COLUMNS = ("import", "outcome", "last status", "waited", "polls", "rate limited", "errors")
_ALIGNMENT = (":--", ":--", ":--", "--:", "--:", "--:", "--:")


def step_summary(result: ResultDocument, most_rows: int = MOST_ROWS) -> str:
    """Writes the result of a watch that has ended.

    Args:
        result: The result.
        most_rows: How many imports are shown one by one; those that failed come first.

    Returns:
        Markdown.
    """
    ordered = sorted(result.imports, key=lambda document: document.exit_code == 0)
    shown = ordered[:most_rows]
    parts = [_heading(result), _table(shown), _left_out(ordered[most_rows:]), _closing_words(shown)]
    chart = gantt(shown)
    if chart is not None:
        parts.append(f"```mermaid\n{chart}```\n")
        if bars_of(shown) > MOST_BARS:
            parts.append(f"The picture is cut to {MOST_BARS} of {bars_of(shown)} bars.\n")
    return "\n".join(part for part in parts if part) + "\n"


def _heading(result: ResultDocument) -> str:
    good = "✅" if result.outcome in SUCCESSES else "⚠️"
    sign = good if result.exit_code == 0 else "❌"
    several = len(result.imports) > 1
    ends = _tally(result.imports) if several else str(result.outcome)
    code_too = "" if result.exit_code == 0 else f" (exit code {result.exit_code})"
    subject = f"{len(result.imports)} LaunchDarkly imports" if several else "LaunchDarkly import"
    return f"### {sign} {subject}: {ends}{code_too}\n"


def _table(shown: Sequence[ImportDocument]) -> str:
    numbered = len(shown) > 1  # so do the sections of the picture count
    columns, alignment = (("", *_COLUMNS), ("--:", *_ALIGNMENT)) if numbered else (_COLUMNS, _ALIGNMENT)
    lines = [row(*columns), row(*alignment)]
    for number, document in enumerate(shown, 1):
        cells = (
            code(document.target),
            str(document.outcome),
            code(document.status) if document.status is not None else "not seen",
            duration(document.elapsed_s),
            str(document.polls),
            str(document.throttled),
            str(document.errors),
        )
        lines.append(row(str(number), *cells) if numbered else row(*cells))
    return "".join(lines)


def _left_out(hidden: Sequence[ImportDocument]) -> str:
    return f"Not shown: {_tally(hidden)}.\n" if hidden else ""


def _closing_words(shown: Sequence[ImportDocument]) -> str:
    """Says of each import that did not succeed what happened and what to do."""
    told = [
        (number, document.message)
        for number, document in enumerate(shown, 1)
        if document.message is not None and document.outcome not in SUCCESSES
    ]
    return "".join(
        f"- **import {number}**: {escape(message)}\n" if len(shown) > 1 else f"> {escape(message)}\n"
        for number, message in told
    )


def _tally(imports: Sequence[ImportDocument]) -> str:
    counts = Counter(str(document.outcome) for document in imports)
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
