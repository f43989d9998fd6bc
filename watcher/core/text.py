"""Text for people: durations in words, and external text made safe to print."""

import math
import re
from collections import Counter
from collections.abc import Iterable
from urllib.parse import unquote

FOREIGN_TEXT_LIMIT = 300
"""Longest quoted text from outside, in characters."""

# All spaces of Unicode except U+0020. They are harmless, but `str.isprintable` rejects them.
_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"


_REDACTED = "***"
_TOKEN = re.compile(r"(?:api|sdk|mob)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return text with ``***`` in place of secrets and of everything that has the form of a LaunchDarkly key.

    If percent-encoding hides one of them, all of the text is replaced.
    """
    for secret in secrets:
        text = text.replace(secret, _REDACTED)
        if "%" in text and secret in unquote(text):
            return _REDACTED
    text = _TOKEN.sub(_REDACTED, text)
    return _REDACTED if "%" in text and _TOKEN.search(unquote(text)) else text


def printable(text: str, limit: int = FOREIGN_TEXT_LIMIT) -> str:
    r"""Return text from outside in a form that is safe for terminals and logs.

    Control, format, line-separator, unassigned and surrogate characters become ``\u`` escapes. Text of more
    than ``limit`` characters is cut and ends in ``...``.
    """
    cut = text if len(text) <= limit else text[: limit - 3] + "..."
    if cut.isprintable():
        return cut
    return "".join(
        character
        if character.isprintable() or character in _SPACES
        else character.encode("unicode_escape").decode("ascii")
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
    for unit, size, part_unit, part in (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size}{unit}" + (f"{rest:02}{part_unit}" if rest else "")
    return f"{whole}s"


def tally(names: Iterable[str]) -> str:
    """Return how often each name occurs, such as ``2 complete, 1 stopped``."""
    return ", ".join(f"{count} {name}" for name, count in Counter(names).items())
