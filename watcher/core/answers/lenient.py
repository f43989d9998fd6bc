"""Read JSON that is not quite valid, one member of an object at a time.

Bodies may contain bytes and numbers that strict decoders refuse. One unreadable field must not hide the
others, so each value is decoded by itself.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping
from functools import lru_cache

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_NAME = re.compile(rf"\s*({_STRING})\s*:\s*", re.DOTALL)
_PLAIN_VALUE = re.compile(rf'{_STRING}|[^"{{}}\[\],]*', re.DOTALL)
_FLAT = rf'(?:{_STRING}|[^"{{}}\[\]]++)*+'
_BETWEEN = rf'(?:{_STRING}|[^"{{}}\[\]]++|\{{{_FLAT}\}}|\[{_FLAT}\])*+'
_BRACKETS = re.compile(rf"{_BETWEEN}(?:(\{{+|\[+)|(\}}+|\]+))", re.DOTALL)
_SPACE = re.compile(r"\s*")
_CLOSING = {"{": b"}", "[": b"]"}
_MOST_MEMBERS = 10_000
"""Most members of a readable object; no response of the API has twenty."""

_MOST_BRACKETS = 200_000
"""Most nested brackets of a readable value, so that a hostile one takes a tenth of a second or so."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_NUMBER = 400
"""Longest readable integer in digits; no field needs more than twenty."""


def without_mark(body: bytes) -> bytes:
    """Return a body without the byte-order mark of UTF-8."""
    return body.removeprefix(codecs.BOM_UTF8)


@lru_cache(maxsize=1)  # a response is read for its meaning, then for a quotation
def read_object(body: bytes) -> Mapping[str, str] | None:
    """Return the members of a JSON object, each value still as JSON text; None if it is incomplete.

    Bytes that are not UTF-8 become surrogates. Names are decoded; of equal names the last one counts.
    """
    text = without_mark(body).decode(errors="surrogateescape").strip()
    members: dict[str, str] = {}
    position = 1
    for _ in range(_MOST_MEMBERS):
        name = _NAME.match(text, position)
        if name is None:
            break
        key = read_value(name[1])
        if not isinstance(key, str):
            return None
        end = _end_of_value(text, name.end())
        members[key] = text[name.end() : end]
        position = end
        if not text.startswith(",", end):
            break
        position = end + 1
    return members if text.startswith("{") and text[position:].lstrip() == "}" else None


def read_value(text: str | None) -> object:
    """Return a decoded value; None if there is none, if it is unreadable, or if it is nested too deeply."""
    if text is None:
        return None
    try:
        value: object = _decoder.decode(text)
    except (ValueError, RecursionError):
        return None
    return value


def read_exact_text(text: str | None) -> str | None:
    """Return a decoded string without surrogates, for fields that decide; None if it is not one."""
    try:
        value = None if text is None else _strict_decoder.decode(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, str) and not _SURROGATE.search(value) else None


def readable(text: str) -> str:
    """Return text with U+FFFD in place of each surrogate."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else None


_decoder, _strict_decoder = (
    json.JSONDecoder(strict=strict, parse_int=_integer, parse_constant=lambda _: None)
    for strict in (False, True)
)


def _end_of_value(text: str, start: int) -> int:
    """Return the end of a value and of the space behind it; that of the text if brackets are not closed."""
    if not text.startswith(("{", "["), start):
        plain = _PLAIN_VALUE.match(text, start)
        end = start if plain is None else plain.end()
    else:
        end = _end_of_nested(text, start)
    space = _SPACE.match(text, end)
    return end if space is None else space.end()


def _end_of_nested(text: str, start: int) -> int:
    closers = bytearray(_CLOSING[text[start]])  # one byte for each level, however many there are
    position = start + 1
    for _ in range(_MOST_BRACKETS):
        run = _BRACKETS.match(text, position)
        if run is None:  # the text or a string has no end
            break
        position = run.end()
        opening, closing = run[1], run[2]
        if opening:
            closers += _CLOSING[opening[0]] * len(opening)
            continue
        count = min(len(closing), len(closers))
        if closers[-count:] != closing[:count].encode():
            break
        del closers[-count:]
        if not closers:
            return run.start(2) + count
    return len(text)
