"""Text for people: durations in words, and external text made safe to print."""

from __future__ import annotations

import codecs
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from itertools import takewhile
from urllib.parse import unquote

FOREIGN_TEXT_LIMIT = 300
"""Longest quoted text from outside, in characters."""

MESSAGE_LIMIT = 1000
"""Longest message that quotes settings or files, in characters."""

_REDACTED = "***"
_SHORT_SECRET = 8
"""Length in characters from which a secret is found within words; a shorter one may be part of many words."""

_LONG_SECRET = 24
"""Length in characters from which the first half of a secret is found by itself."""

_KEY = re.compile(r"(?:api|sdk|mob)-[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
"""An access token, an SDK key or a mobile key."""

_BLANK = re.compile(r"\b(BLANK|FILLER|INHERENT|JOINER|NULL|VARIATION SELECTOR)\b")
"""Words in the names of printable characters without a visible shape.

With ``str.isprintable`` they cover Unicode's Default_Ignorable_Code_Point, and characters such as U+2800.
"""

# `##vso[` (Azure Pipelines), `##teamcity[` and `##[` (GitHub Actions) are commands anywhere in a line; `::`
# is one after leading spaces (actions/runner, ActionCommand.cs).
_COMMAND = re.compile(r"(##[\w.-]*)\[|^( *:):")


def printable(text: str, limit: int = FOREIGN_TEXT_LIMIT) -> str:
    r"""Return text from outside in a form that is safe for terminals, logs and CI services.

    Control, bidirectional and invisible characters and spaces other than U+0020 become ``\u`` escapes. So
    does one character of each command for a CI service. Tokens become ``***``. Text of more than ``limit``
    characters is cut and ends in ``...``. Safe text is returned as it is.
    """
    text = redact(text)
    cut = text if len(text) <= limit else text[: limit - 3] + "..."
    if not (cut.isascii() and cut.isprintable()):
        cut = redact(_escaped(cut))  # an escape may end with the first letter of a key
    return _COMMAND.sub(_without_command, cut)


def reason_of(error: OSError) -> str:
    """Return the system's reason for an error as a part of a sentence, such as ``permission denied``."""
    reason = error.strerror or "unknown reason"
    return reason[0].lower() + reason[1:]


def printable_lines(text: str) -> str:
    """Return text of several lines, such as a traceback, with each line safe to print."""
    return "\n".join(printable(line, limit=len(line)) for line in text.split("\n"))


def safe_json(encoded: bytes) -> bytes:
    """Return JSON that is safe like ``printable`` text; its values stay the same, except for tokens."""
    text = redact(encoded.decode())
    if not (text.isascii() and text.isprintable()):
        text = _escaped(text)
    # JSON never has `::` at the start of a line.
    return (re.sub(r"(##[\w.-]*)\[", r"\1\\u005b", text) if "##" in text else text).encode()


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return text with ``***`` in place of secrets and of everything that has the form of a LaunchDarkly key.

    Both are also found in percent-encoded text. If percent-encoding hides one of ``secrets``, all of the text
    is replaced. A secret of less than eight characters is found only as a whole word, and one of 24 or more
    also if at least its first half is there, because a gateway may cut what it quotes.
    """
    for secret in secrets:
        head = secret[: len(secret) // 2] if len(secret) >= _LONG_SECRET else secret
        if head not in text and "%" not in text:
            continue
        pattern = re.escape(secret)
        if len(secret) < _SHORT_SECRET:
            pattern = rf"(?<![\w-]){pattern}(?![\w-])"
        text = re.sub(pattern, _REDACTED, text)
        if "%" in text and re.search(pattern, unquote(text)):
            return _REDACTED
        if head != secret:
            text = _without_beginnings(text, secret, head)
    if "-" not in text and "%" not in text:
        return text
    lowered = text.lower()
    if "api-" in lowered or "sdk-" in lowered or "mob-" in lowered:  # searching for these is much faster
        text = _KEY.sub(_REDACTED, text)
    return _encoded_key().sub(_REDACTED, text) if "%" in text else text


def _without_beginnings(text: str, secret: str, head: str) -> str:
    start = text.find(head)
    while start >= 0:
        pairs = zip(text[start : start + len(secret)], secret, strict=False)
        length = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        text = text[:start] + _REDACTED + text[start + length :]
        start = text.find(head, start)
    return text


def is_utf16(content: bytes) -> bool:
    """Return whether bytes are UTF-16: with its byte-order mark, or ASCII characters of two bytes each."""
    sample = content[:64]
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    return len(sample) > 1 and (any(sample[::2]), any(sample[1::2])) in {(True, False), (False, True)}


@lru_cache(maxsize=1)
def _encoded_key() -> re.Pattern[str]:
    """Return a pattern for keys of which any part is percent-encoded, even more than once; it is large."""

    def either(plain: str, codes: str) -> str:
        return f"(?:{plain}|%(?:25)*(?:{codes}))"

    def literal(text: str) -> str:
        return "".join(either(letter, f"{ord(letter):02x}|{ord(letter.upper()):02x}") for letter in text)

    prefix, digit = "|".join(map(literal, ("api", "sdk", "mob"))), either("[0-9a-f]", "3[0-9]|[46][1-6]")
    groups = "".join(f"{literal('-')}{digit}{{{length}}}" for length in (8, 4, 4, 4, 12))
    return re.compile(f"(?:{prefix}){groups}", re.IGNORECASE | re.ASCII)


@lru_cache(maxsize=1024)
def _is_visible(character: str) -> bool:
    return character.isprintable() and not _BLANK.search(unicodedata.name(character, ""))


def _without_command(match: re.Match[str]) -> str:
    return f"{match[1]}\\u005b" if match[1] else f"{match[2]}\\u003a"


def _escaped(text: str) -> str:
    """Return text with JSON's escapes of the characters that are not visible (RFC 8259, section 7)."""
    hidden = (character for character in set(text) if not _is_visible(character))
    return text.translate({ord(character): _escape(character) for character in hidden})


def _escape(character: str) -> str:
    code = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{code[start : start + 4]}" for start in range(0, len(code), 4))


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
