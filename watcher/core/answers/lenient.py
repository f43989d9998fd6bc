"""Read JSON that is not quite valid, one member of an object at a time.

A body may contain bytes and numbers that strict decoders refuse. One unreadable field must not hide the
others, so each value is decoded by itself.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator

_TOKEN = re.compile(r'\s+|"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s"{}\[\],:]+', re.DOTALL)
_CLOSING = {"{": "}", "[": "]"}
_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_NUMBER = 400
"""Longest readable integer in digits; no field needs more than twenty."""


def is_utf16(body: bytes) -> bool:
    """Return whether a body begins with a byte-order mark of UTF-16."""
    return body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def without_mark(body: bytes) -> bytes:
    """Return a body without the byte-order mark of UTF-8."""
    return body.removeprefix(codecs.BOM_UTF8)


def read_object(body: bytes) -> dict[str, str] | None:
    """Return the members of a JSON object, each value still as JSON text; None if it is no whole object.

    Bytes that are not UTF-8 become surrogates. Names are decoded; of equal names the last one counts.
    """
    text = without_mark(body).decode(errors="surrogateescape").strip()
    if not text.startswith("{"):
        return None
    members: dict[str, str] = {}
    for name, value in _members(text):
        key = read_value(name)
        if value is None or not isinstance(key, str):
            return None
        members[key] = value
    return members


def read_value(text: str | None) -> object:
    """Return a decoded value; None if there is none, if it is unreadable, or if it is nested too deeply."""
    if text is None:
        return None
    try:
        return _decode(text, strict=False)
    except (ValueError, RecursionError):
        return None


def read_exact_text(text: str | None) -> str | None:
    """Return a decoded string without surrogates, for fields that decide; None if it is not one."""
    try:
        value = None if text is None else _decode(text, strict=True)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, str) and not _SURROGATE.search(value) else None


def readable(text: str) -> str:
    """Return text with U+FFFD in place of each surrogate."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _decode(text: str, *, strict: bool) -> object:
    value: object = json.loads(text, strict=strict, parse_int=_integer, parse_constant=lambda _: None)
    return value


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else None


def _members(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield name and value of each member of an object; a value of None means that it is no whole object."""
    closers: list[str] = []
    start = position = 0
    name = ""
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None or (position and not closers):
            break
        character, before, position = token[0], position, token.end()
        if character in _CLOSING:
            closers.append(_CLOSING[character])
            start = position if len(closers) == 1 else start
        elif character in {"}", "]"} and closers.pop() != character:
            break
        elif len(closers) == 1 and character == ":" and not name:
            name, start = text[start:before], position
        elif not closers or (len(closers) == 1 and character == ","):
            value = text[start:before]
            if name:
                yield name, value
            elif value.strip() or closers:
                break
            name, start = "", position
    else:
        if not closers:
            return
    yield '""', None
