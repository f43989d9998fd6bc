"""Lines on a terminal: coloured first words, wrapped between words."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Mapping
from enum import Enum

_FIRST_WORDS = re.compile(r"[^:;.(]*(?:[.](?! )[^:;.(]*)*")
"""The fact of a message, up to its cause, its next step or its target."""

_NARROWEST = 20
"""Columns below which the terminal itself wraps lines."""


class Tone(Enum):
    """The colour of the first words of a line; they are readable on dark and on light backgrounds."""

    NONE = ""
    SUCCESS = "\x1b[1;32m"
    WARNING = "\x1b[33m"
    FAILURE = "\x1b[1;31m"


def allows_colour(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether a terminal may show colours (https://no-color.org)."""
    return not environ.get("NO_COLOR") and environ.get("TERM", "") not in {"", "dumb", "unknown"}


def lay_out(lead: str, text: str, tone: Tone, columns: int | None) -> str:
    """Return ``lead``, such as the time of day, and text as one line, or as several on a terminal.

    ``columns`` is the width of the terminal; None for a pipe or a file, where lines are never broken.
    """
    if columns is None:
        return lead + text
    lines = [text]
    if columns >= _NARROWEST:
        indent = " " * len(lead)
        lines = textwrap.wrap(
            text,
            columns,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [text]
        lines[0] = lines[0][len(lead) :]
    lines[0] = paint(lines[0], _first_words(text), tone)
    return lead + "\n".join(lines)


def paint(text: str, length: int, tone: Tone) -> str:
    """Return text for a terminal with the first characters in colour."""
    if tone is Tone.NONE or not length or not allows_colour():
        return text
    return f"{tone.value}{text[:length]}\x1b[0m{text[length:]}"


def _first_words(text: str) -> int:
    prefix = re.match(r"(?:error|warning): ", text)
    start = 0 if prefix is None else prefix.end()
    found = _FIRST_WORDS.match(text, start)
    return len(text) if found is None else len(text[: found.end()].rstrip())
