"""Text for people: durations in words, and external text made safe to print."""

import math

FOREIGN_TEXT_LIMIT = 300
"""Longest text of the API's that is quoted, in characters."""

# Controls and formats drive terminals and reorder lines, separators break log lines, and code points that
# are unassigned or lone surrogates cannot be encoded or judged.
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


def printable(text: str, limit: int = FOREIGN_TEXT_LIMIT) -> str:
    r"""Return external text in a form that is safe for terminals and logs.

    Args:
        text: Text from outside.
        limit: Longest text in characters; longer text is cut and ends in ``...``.

    Returns:
        The text with every control, format and separator character written as a ``\u`` escape.
    """
    cut = text if len(text) <= limit else text[: limit - 3] + "..."
    if cut.isascii() and cut.isprintable():
        return cut
    import unicodedata  # noqa: PLC0415 (slow to load, and seldom needed)

    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in _UNSAFE_CATEGORIES
        else character
        for character in cut
    )


def duration(seconds: float) -> str:
    """Return a length of time such as ``340ms``, ``9.3s``, ``1m33s``, ``1h02m`` or ``3d04h``."""
    if math.isinf(seconds):
        return "no limit"
    if seconds < 1:
        return f"{max(0, math.floor(seconds * 1000))}ms"
    if seconds < 10:  # noqa: PLR2004 (tenths of a second are useful up to here)
        return f"{math.floor(seconds * 10) / 10:g}s"
    whole = math.floor(seconds)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}d{hour:02}h" if hour else f"{days}d"
    if hours:
        return f"{hours}h{minute:02}m" if minute else f"{hours}h"
    if minutes:
        return f"{minutes}m{second:02}s" if second else f"{minutes}m"
    return f"{whole}s"
