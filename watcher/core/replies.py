"""What an answer of the API means: ``(status, headers, body)`` decoded into a closed set of replies."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from watcher.core.model import Import, ImportFile
from watcher.core.statuses import ImportStatus, status_named
from watcher.core.text import FOREIGN_TEXT_LIMIT, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from watcher.core.model import ImportRef
    from watcher.core.statuses import Status

BODY_LIMIT = 1 << 20
"""Largest body that is read, in bytes; an import's is a few hundred."""

LATEST_CREATION_MS = 253_402_300_799_999  # the end of the year 9999, past which no calendar of ours goes
_FILES_LIMIT = 100


class FaultKind(Enum):
    """Why a request brought nothing usable."""

    NETWORK = "network"
    UNKNOWN_HOST = "unknown host"
    UNTRUSTED = "untrusted certificate"
    SERVER = "server"
    NONSENSE = "nonsense"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer as it came; it may quote the token, so its own text is in no ``repr``.

    Attributes:
        status: The HTTP status.
        headers: The header fields, names in lower case; repeated ones are joined by commas (RFC 9110, 5.3).
        body: At most ``BODY_LIMIT`` bytes, and one more where there were more.
        token_changed: Whether the token file, read again after this 401, holds another token by now.
        conceal: Takes the token out of text that will be shown.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    token_changed: bool = False
    conceal: Callable[[str], str] = field(default=str, repr=False)


@dataclass(frozen=True, slots=True)
class ApiError:
    """What the API itself says about an error; all text is safe to print.

    Attributes:
        http_status: The HTTP status.
        code: The API's own code, such as ``not_found``.
        message: The API's own words.
        id: What LaunchDarkly's support asks for.
    """

    http_status: int
    code: str | None = None
    message: str | None = None
    id: str | None = None

    def __str__(self) -> str:
        """One phrase with everything in it."""
        parts = [f"HTTP {self.http_status}"]
        if self.code:
            parts.append(self.code)
        if self.message:
            parts.append(f'"{self.message}"')
        if self.id:
            parts.append(f"(id {self.id})")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Found:
    """200: the import that was asked for."""

    found: Import


@dataclass(frozen=True, slots=True)
class Foreign:
    """200: another import than the one that was asked for."""

    field: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Throttled:
    """429: too many requests."""

    error: ApiError


@dataclass(frozen=True, slots=True)
class Missing:
    """404 or 410: no such import."""

    error: ApiError


@dataclass(frozen=True, slots=True)
class Denied:
    """401 or 403: the token does not open this import."""

    error: ApiError
    token_changed: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """400, or another 4xx: the request itself is at fault."""

    error: ApiError


@dataclass(frozen=True, slots=True)
class Redirected:
    """3xx: somebody points elsewhere; the token does not follow."""

    error: ApiError
    location: str | None


@dataclass(frozen=True, slots=True)
class Broken:
    """Nothing usable: no answer, a server's own fault, or an answer that makes no sense.

    Attributes:
        kind: Which of these.
        detail: What happened, in words that fit after a colon; safe to print.
    """

    kind: FaultKind
    detail: str


Reply: TypeAlias = Found | Foreign | Throttled | Missing | Denied | Refused | Redirected | Broken


class _Identity(msgspec.Struct):
    id: str | msgspec.UnsetType = msgspec.UNSET
    segment_key: str | msgspec.UnsetType = msgspec.field(name="segmentKey", default=msgspec.UNSET)


class _Essentials(msgspec.Struct):
    id: str
    segment_key: str = msgspec.field(name="segmentKey")
    status: str
    creation_time: object = msgspec.field(name="creationTime", default=None)
    mode: object = None
    files: object = None


class _ErrorBody(msgspec.Struct):
    code: object = None
    message: object = None
    id: object = None


_identity = msgspec.json.Decoder(_Identity)
_essentials = msgspec.json.Decoder(_Essentials)
_error_body = msgspec.json.Decoder(_ErrorBody)

# RecursionError comes from deep nesting, UnicodeDecodeError from text that is not UTF-8.
_DECODE_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def decode(ref: ImportRef, answer: Answer) -> Reply:
    """Tells what an answer means; never raises, whatever the bytes.

    Args:
        ref: The import that was asked for.
        answer: What came.

    Returns:
        One of the closed set of replies.
    """
    status = answer.status
    if status == 200:  # noqa: PLR2004 (the numbers of HTTP are their own names)
        return _decode_import(ref, answer)
    error = _decode_error(answer)
    match status:
        case 429:
            return Throttled(error)
        case 401 | 403:
            return Denied(error, answer.token_changed)
        case 404 | 410:
            return Missing(error)
        case 408 | 425:
            return Broken(FaultKind.SERVER, f"the server answered {error}")
        case _ if 300 <= status <= 399:  # noqa: PLR2004 (likewise)
            location = answer.headers.get("location")
            return Redirected(error, None if location is None else _safe(location, answer))
        case _ if 400 <= status <= 499:  # noqa: PLR2004 (likewise)
            return Refused(error)
        case _ if 500 <= status <= 599:  # noqa: PLR2004 (likewise)
            return Broken(FaultKind.SERVER, f"the server answered {error}")
        case _:
            return Broken(FaultKind.NONSENSE, f"HTTP {status} is no answer to this request")


def _decode_import(ref: ImportRef, answer: Answer) -> Found | Foreign | Broken:
    encoding = answer.headers.get("content-encoding", "").strip()
    if encoding.lower() not in {"", "identity"}:
        return _nonsense(f"a body encoded as {_safe(encoding, answer, 30)}, which was not asked for")
    if len(answer.body) > BODY_LIMIT:
        return _nonsense(f"a body of more than {BODY_LIMIT >> 20} MiB")
    try:
        body = _essentials.decode(answer.body)
    except _DECODE_ERRORS:
        return _explain_unreadable(ref, answer)
    foreign = _find_foreign(ref, body, answer)
    if foreign is not None:
        return foreign
    return Found(
        Import(
            status=_status(body.status, answer),
            mode=_text(body.mode, answer),
            created_ms=_milliseconds(body.creation_time),
            files=_files(body.files, answer),
        )
    )


def _explain_unreadable(ref: ImportRef, answer: Answer) -> Foreign | Broken:
    """Tells another import, or what is none at all, from one with a field that cannot be read."""
    try:
        identity = _identity.decode(answer.body)
    except _DECODE_ERRORS:
        return _nonsense(f"HTTP 200 with a body that is not an import{_shape(answer)}")
    foreign = _find_foreign(ref, identity, answer)
    return foreign or _nonsense("HTTP 200 with an import whose fields are missing or cannot be read")


def _find_foreign(ref: ImportRef, body: _Identity | _Essentials, answer: Answer) -> Foreign | None:
    # Compared as they came: a key may hold the text of a short token.
    if isinstance(body.id, str) and body.id != ref.import_id:
        return Foreign("id", printable(ref.import_id), _safe(body.id, answer))
    if isinstance(body.segment_key, str) and body.segment_key != ref.segment:
        return Foreign("segmentKey", printable(ref.segment), _safe(body.segment_key, answer))
    return None


def _nonsense(detail: str) -> Broken:
    return Broken(FaultKind.NONSENSE, detail)


def _shape(answer: Answer) -> str:
    if not answer.body:
        return " (it is empty)"
    media_type = answer.conceal(answer.headers.get("content-type", "")).partition(";")[0].strip()
    return f" ({printable(media_type, 40)})" if media_type and media_type != "application/json" else ""


def _decode_error(answer: Answer) -> ApiError:
    try:
        body = _error_body.decode(answer.body)
    except _DECODE_ERRORS:
        return ApiError(answer.status)
    code, message, support_id = (_text(value, answer) for value in (body.code, body.message, body.id))
    return ApiError(answer.status, code, message, support_id)


def _safe(text: str, answer: Answer, limit: int = FOREIGN_TEXT_LIMIT) -> str:
    """Makes text of an answer safe to print, the token taken out before a cut could leave half of it."""
    return printable(answer.conceal(text), limit)


def _text(value: object, answer: Answer) -> str | None:
    return _safe(value, answer) if isinstance(value, str) and value else None


def _status(name: str, answer: Answer) -> Status:
    status = status_named(name)
    return status if isinstance(status, ImportStatus) else status_named(answer.conceal(name))


def _milliseconds(value: object) -> int | None:
    # The documented example is a string of digits where the type is an integer.
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:  # noqa: PLR2004 (more digits are no time)
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= LATEST_CREATION_MS else None


def _files(value: object, answer: Answer) -> tuple[ImportFile, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(
        ImportFile(_text(item.get("filename"), answer), _text(item.get("status"), answer))
        for item in value[:_FILES_LIMIT]
        if isinstance(item, dict)
    )
