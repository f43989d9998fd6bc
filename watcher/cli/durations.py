"""Lengths of time as the options read them."""

from __future__ import annotations

import re

_PARTS = re.compile(
    r"(?:(?P<d>\d{1,6})d)?(?:(?P<h>\d{1,6})h)?(?:(?P<m>\d{1,6})m(?!s))?"
    r"(?:(?P<s>\d{1,9}(?:\.\d{1,9})?)s)?(?:(?P<ms>\d{1,9})ms)?",
    re.ASCII,
)
_PLAIN = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def parse_duration(text: str) -> float:
    """Reads a length of time.

    Args:
        text: Such as ``90``, ``90s``, ``1h30m`` or ``500ms``.

    Returns:
        Seconds.

    Raises:
        ValueError: The text is none.
    """
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return float(text)
    match = _PARTS.fullmatch(text)
    if not text or match is None:
        raise ValueError(text)
    return sum(float(value) * _SECONDS[unit] for unit, value in match.groupdict(default="0").items())
