"""External text made safe for GitHub's Markdown."""

from __future__ import annotations

import re

_SPECIAL = re.compile(
    r"""
      [\\`*\[\]<>#|~&@$]                      # markup, HTML, table cells, mentions, formulas
    | (?<![^\W_])_ | _(?![^\W_])              # emphasis, except within a word
    | :(?=\S) | (?<=www)\.                    # addresses and :emoji:
    | [^\S\ ]                                 # line breaks
    """,
    re.VERBOSE | re.IGNORECASE,
)


def escape(text: str) -> str:
    """Escape text, so that GitHub shows it literally in a line, a list or a table cell.

    Character references work everywhere; a backslash before a ``|`` means something else in a table cell than
    outside (GFM 4.10 and CommonMark 2.5).

    Args:
        text: Any text.

    Returns:
        Markdown to be put after other text, such as a bullet.
    """
    return _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", text)


def code(text: str) -> str:
    """Return text in a fixed-width font; unlike a code span, no text can close it."""
    return f"<code>{escape(text)}</code>"


def row(*cells: str) -> str:
    """Return a table row of Markdown cells."""
    return f"| {' | '.join(cells)} |\n"
