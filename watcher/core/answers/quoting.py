"""Quote a response in one line that is safe to print."""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Mapping
from http import HTTPStatus

from watcher.core.answers.lenient import read_object, read_value, readable
from watcher.core.answers.replies import Answer, ApiError
from watcher.core.messages import faults
from watcher.core.text import FOREIGN_TEXT_LIMIT, is_utf16, printable

_PAGE_LIMIT = 16 * 1024
"""Bytes of a page to search for its title."""

SEARCH_LIMIT = 2048
"""Characters of a text that are searched for the token, because a search in 1 MiB takes two seconds."""

_LONGEST_TOKEN = 512
"""Longest part of a token in characters, percent-encoded or not, that a cut can leave."""

_NOT_IN_TOKENS = ' \n<>"'
_TITLE_LIMIT = 120
_NAME_LIMIT = 40
_TITLE = re.compile(r"<title\b[^<>]*>([^<]*)", re.IGNORECASE)
_INVISIBLE = re.compile(r"<(script|style|!--)[^<]*", re.IGNORECASE)
_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/]))')
_TAG = re.compile(r"<[^<>]*>?")


def without_token(text: str, answer: Answer) -> str:
    """Return the beginning of a text without the token, and without half a token at its end."""
    found = concealed(text[:SEARCH_LIMIT], answer)
    return found if len(text) <= SEARCH_LIMIT else found[:-_LONGEST_TOKEN]


def concealed(text: str, answer: Answer) -> str:
    """Return text without the token, also where character references or JSON escapes hide it."""
    if "&" in text or "\\" in text:
        plain = _unescaped(text)
        if answer.conceal(plain) != plain:
            text = plain
    return answer.conceal(text)


def safe(text: str, answer: Answer, limit: int = FOREIGN_TEXT_LIMIT) -> str:
    """Return text that is safe to print."""
    return printable(readable(without_token(text, answer)), limit)


def safe_text(value: object, answer: Answer) -> str | None:
    """Return a decoded value that is safe to print; None if it is not text, or empty."""
    return safe(value, answer) if isinstance(value, str) and value else None


def error_in(members: Mapping[str, str], answer: Answer) -> ApiError:
    """Return code, message and ID of a JSON object, as far as they are text."""
    code, message, support_id = (
        safe_text(read_value(members.get(name)), answer) for name in ("code", "message", "id")
    )
    return ApiError(answer.status, code, message, support_id, _access_in(members, answer))


def _access_in(members: Mapping[str, str], answer: Answer) -> str | None:
    """Return the action and the resource that a 403 names."""
    access = read_value(members.get("access"))
    if answer.status != HTTPStatus.FORBIDDEN or not isinstance(access, dict):
        return None
    action, resource = (safe_text(access.get(name), answer) for name in ("action", "resource"))
    return f"{action} on {resource}" if action and resource else None


def quote(answer: Answer, said: str | None = None) -> str:
    """Return what a response said: status, ``Server``, ``Location``, and its error, title or first line.

    ``said`` replaces what the body says.
    """
    headers = answer.headers
    members = None if said else read_object(answer.body)
    error = error_in(members or {}, answer)
    if error.code is None and error.message is None:
        error = ApiError(answer.status)  # an ID alone says little
        said = said or _describe_body(answer)
    return faults.quoted(
        str(error),
        said,
        server=safe(headers.get("server", "").strip(), answer, _NAME_LIMIT),
        location=safe(headers.get("location", "").strip(), answer),
    )


def _describe_body(answer: Answer) -> str | None:
    if not answer.body.strip():
        return faults.EMPTY_BODY if answer.status < HTTPStatus.MULTIPLE_CHOICES else None  # usual for errors
    encoding = answer.headers.get("content-encoding", "").strip()
    if is_utf16(answer.body):
        return faults.UTF16_BODY
    if encoding.lower() not in {"", "identity"} and not answer.body[:_PAGE_LIMIT].isascii():
        return faults.encoded_body(safe(encoding, answer, _NAME_LIMIT))
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip()
    return _page_text(answer) or faults.body_without_text(safe(media_type, answer, _NAME_LIMIT))


def _page_text(answer: Answer) -> str | None:
    """Return the title of a page, else its first line of text; all of JSON counts as one line."""
    text = answer.body[:_PAGE_LIMIT].removeprefix(codecs.BOM_UTF8).decode(errors="replace")
    if len(answer.body) > _PAGE_LIMIT:  # half a token may be at the end
        text = text[: max(map(text.rfind, _NOT_IN_TOKENS)) + 1]
    if text.lstrip().startswith(("{", "[")):
        return faults.first_line(_one_line(text, answer))
    title = _TITLE.search(text)
    if title is not None and (line := _one_line(title[1], answer)):
        return faults.page(line)
    lines = _TAG.sub("", _INVISIBLE.sub("", text)).split("\n")
    line = next((line for line in lines if line.strip()), "")
    return faults.first_line(_one_line(line, answer)) if line else None


def _one_line(text: str, answer: Answer) -> str:
    return safe(" ".join(_unescaped(text).split()), answer, _TITLE_LIMIT)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda escape: escape[2] or chr(int(escape[1], 16)), html.unescape(text))
