"""Text for people: durations in words, and foreign text made safe to print."""

import math

FOREIGN_TEXT_LIMIT = 300
"""Longest text of the API's that is passed on, in characters: a message is for reading."""

# Controls and formats drive terminals and reorder lines, separators break log lines, and what is
# unassigned or a lone surrogate cannot be encoded or judged.
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


def printable(text: str, limit: int = FOREIGN_TEXT_LIMIT) -> str:
    r"""Makes text from outside safe for terminals and logs.

    Args:
        text: What somebody else wrote.
        limit: Longest result in characters; longer text is cut and ends in ``...``.

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
    """Writes a length of time; what is finite is written as the options read it.

    Args:
        seconds: The length in seconds; infinite means no limit.

    Returns:
        Such as ``340ms``, ``9.3s``, ``42s``, ``1m33s``, ``1h02m`` or ``3d04h``.
    """
    if math.isinf(seconds):
        return "no limit"
    if seconds < 1:
        return f"{max(0, math.floor(seconds * 1000))}ms"
    if seconds < 10:  # noqa: PLR2004 (a tenth of a second still tells something up to here)
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
