"""The result as GitHub Markdown: a table, the messages of failures, and a chart."""

from __future__ import annotations

import re
from collections.abc import Sequence

from watcher.core.statuses import SUCCESSES
from watcher.core.text import duration, tally
from watcher.reports.documents import ImportDocument, ResultDocument
from watcher.reports.github.gantt import MAX_BARS, gantt

MAX_ROWS = 100
"""Imports with a row of their own; a longer table is not useful."""

_COLUMNS = "| import | outcome | last status | waited | polls | rate limited | errors |\n"
_ALIGNMENT = "| :-- | :-- | :-- | --: | --: | --: | --: |\n"

_SPECIAL = re.compile(
    r"""
      [\\`*\[\]<>#|~&@$]                      # markup, HTML, table cells, mentions, formulas
    | (?<![^\W_])_ | _(?![^\W_])              # emphasis, except within a word
    | :(?=\S) | (?<=www)\.                    # addresses and :emoji:
    | [^\S\ ]                                 # line breaks
    """,
    re.VERBOSE | re.IGNORECASE,
)


def step_summary(result: ResultDocument) -> str:
    """Return the summary of a run; of more than ``MAX_ROWS`` imports, failures get rows first."""
    ordered = sorted(result.imports, key=lambda document: document.exit_code == 0)
    shown, hidden = ordered[:MAX_ROWS], ordered[MAX_ROWS:]
    parts = [_heading(result), _table(shown)]
    if hidden:
        parts.append(f"Not shown: {_tally(hidden)}.\n")
    parts.append(_messages(shown))
    chart = gantt(shown)
    if chart is not None:
        parts.append(f"```mermaid\n{chart}```\n")
        bars = sum(len(document.transitions) for document in shown)
        if bars > MAX_BARS:
            parts.append(f"The chart shows only {MAX_BARS} of {bars} bars.\n")
    return "\n".join(part for part in parts if part) + "\n"


def _heading(result: ResultDocument) -> str:
    success = "✅" if result.outcome in SUCCESSES else "⚠️"
    sign = success if result.exit_code == 0 else "❌"
    exit_code = "" if result.exit_code == 0 else f" (exit code {result.exit_code})"
    if len(result.imports) > 1:
        heading = f"{len(result.imports)} LaunchDarkly imports: {_tally(result.imports)}"
    else:
        heading = f"LaunchDarkly import: {result.outcome}"
    return f"### {sign} {heading}{exit_code}\n"


def _table(shown: Sequence[ImportDocument]) -> str:
    rows = [_COLUMNS, _ALIGNMENT]
    for document in shown:
        status = "not seen" if document.status is None else _code(document.status)
        rows.append(
            f"| {_code(document.target)} | {document.outcome} | {status} | {duration(document.elapsed_s)} "
            f"| {document.polls} | {document.throttled} | {document.errors} |\n"
        )
    if len(shown) > 1:  # the sections of the chart refer to these numbers
        numbers = ("", "--:", *range(1, len(shown) + 1))
        rows = [f"| {number} {row}" for number, row in zip(numbers, rows, strict=True)]
    return "".join(rows)


def _messages(shown: Sequence[ImportDocument]) -> str:
    """Return the message of each import that did not succeed."""
    messages = [
        (number, escape(document.message))
        for number, document in enumerate(shown, 1)
        if document.message is not None and document.outcome not in SUCCESSES
    ]
    if len(shown) == 1:
        return "".join(f"> {message}\n" for _, message in messages)
    return "".join(f"- **import {number}**: {message}\n" for number, message in messages)


def _tally(imports: Sequence[ImportDocument]) -> str:
    return tally(str(document.outcome) for document in imports)


def escape(text: str) -> str:
    """Escape external text, so that GitHub shows it literally in a line, a list or a table cell.

    Character references work everywhere; a backslash before a ``|`` means something else in a table cell than
    outside (GFM 4.10 and CommonMark 2.5).
    """
    return _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", text)


def _code(text: str) -> str:
    """Return text in a fixed-width font; unlike a code span, no text can close it."""
    return f"<code>{escape(text)}</code>"
