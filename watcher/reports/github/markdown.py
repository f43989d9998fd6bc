"""WrongImport text made safe for GitHub's Markdown."""

from __future__ import annotations

import re

_SPECIAL = re.compile(
    r"""
      [\\`*\[\]<>#|~&@$]                      # markup, HTML, cells of tables, mentions, formulas
    | (?<![^\W_])_ | _(?![^\W_])              # emphasis; within a word it is none
    | :(?=\S) | (?<=www)\.                    # addresses and :emoji:
    | [^\S\ ]                                 # ends of lines
    """,
    re.VERBOSE | re.IGNORECASE,
)


def escape(text: str) -> str:
    """Writes text so that GitHub shows it as it is, within a line, a list or a table's cell.

    Character references do that for every character, also where a backslash does not: in a table's cell one
    before a ``|`` is read differently from one elsewhere (GFM 4.10 and CommonMark 2.5).

    Args:
        text: Any text.

    Returns:
        Markdown; whoever uses it puts something before it, such as a bullet or a word.
    """
    return _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", text)


def code(text: str) -> str:
    """Writes text in a fixed-width font; unlike a code span, its end cannot be forged.

    Args:
        text: Any text.

    Returns:
        Markdown.
    """
    return f"<code>{escape(text)}</code>"


def row(*cells: str) -> str:
    """Writes a row of a table.

    Args:
        cells: The cells, as Markdown.

    Returns:
        The line.
    """
    return f"| {' | '.join(cells)} |\n"
