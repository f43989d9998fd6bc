"""Decode an HTTP response ``(status, headers, body)`` into a reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from watcher.core.answers.replies import (
    BODY_LIMIT,
    ApiError,
    Denied,
    Fault,
    FaultKind,
    Found,
    Missing,
    Redirected,
    Refused,
    Throttled,
    WrongImport,
)
from watcher.core.messages import faults
from watcher.core.model import LATEST_CREATION_MS, Import, ImportFile
from watcher.core.statuses import ImportStatus, parse_status
from watcher.core.text import FOREIGN_TEXT_LIMIT, printable

if TYPE_CHECKING:
    from watcher.core.answers.replies import Answer, Reply
    from watcher.core.model import ImportRef
    from watcher.core.statuses import Status

_FILES_LIMIT = 100


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
    """Return the meaning of a response to a request for ``ref``; never raises, whatever the bytes."""
    status = answer.status
    if status == 200:  # noqa: PLR2004 (HTTP status codes need no names)
        return _decode_import(ref, answer) if answer.broken is None else answer.broken
    error = _decode_error(answer)
    match status:
        case 429:
            return Throttled(error)
        case 401 | 403:
            return Denied(error, answer.token_changed)
        case 404 | 410:
            return Missing(error)
        case 408 | 425:
            return Fault(FaultKind.SERVER, faults.server_error(str(error)))
        case _ if 300 <= status <= 399:  # noqa: PLR2004 (likewise)
            location = answer.headers.get("location")
            return Redirected(error, None if location is None else _safe(location, answer))
        case _ if 400 <= status <= 499:  # noqa: PLR2004 (likewise)
            return Refused(error)
        case _ if 500 <= status <= 599:  # noqa: PLR2004 (likewise)
            return Fault(FaultKind.SERVER, faults.server_error(str(error)))
        case _:
            return _nonsense(faults.unexpected_status(status))


def _decode_import(ref: ImportRef, answer: Answer) -> Found | WrongImport | Fault:
    encoding = answer.headers.get("content-encoding", "").strip()
    if encoding.lower() not in {"", "identity"}:
        return _nonsense(faults.encoded_body(_safe(encoding, answer, 30)))
    if len(answer.body) > BODY_LIMIT:
        return _nonsense(faults.oversized_body(BODY_LIMIT))
    try:
        body = _essentials.decode(answer.body)
    except _DECODE_ERRORS:
        return _explain_unreadable(ref, answer)
    wrong = _find_wrong_import(ref, body, answer)
    if wrong is not None:
        return wrong
    if not body.status.strip():
        return _nonsense(faults.IMPORT_WITHOUT_STATUS)
    return Found(
        Import(
            status=_status(body.status, answer),
            mode=_text(body.mode, answer),
            created_ms=_milliseconds(body.creation_time),
            files=_files(body.files, answer),
        )
    )


def _explain_unreadable(ref: ImportRef, answer: Answer) -> WrongImport | Fault:
    """Tell another import, or no import at all, from one with an unreadable field."""
    try:
        identity = _identity.decode(answer.body)
    except _DECODE_ERRORS:
        return _nonsense(faults.not_an_import(_media_type(answer) if answer.body else None))
    return _find_wrong_import(ref, identity, answer) or _nonsense(faults.UNREADABLE_IMPORT)


def _find_wrong_import(ref: ImportRef, body: _Identity | _Essentials, answer: Answer) -> WrongImport | None:
    # Compared as received: a key may contain the text of a short token.
    if isinstance(body.id, str) and body.id != ref.import_id:
        return WrongImport("id", printable(ref.import_id), _safe(body.id, answer))
    if isinstance(body.segment_key, str) and body.segment_key != ref.segment:
        return WrongImport("segmentKey", printable(ref.segment), _safe(body.segment_key, answer))
    return None


def _nonsense(detail: str) -> Fault:
    return Fault(FaultKind.NONSENSE, detail)


def _media_type(answer: Answer) -> str:
    content_type = answer.conceal(answer.headers.get("content-type", ""))
    return printable(content_type.partition(";")[0].strip(), 40)


def _decode_error(answer: Answer) -> ApiError:
    try:
        body = _error_body.decode(answer.body)
    except _DECODE_ERRORS:
        return ApiError(answer.status)
    code, message, support_id = (_text(value, answer) for value in (body.code, body.message, body.id))
    return ApiError(answer.status, code, message, support_id)


def _safe(text: str, answer: Answer, limit: int = FOREIGN_TEXT_LIMIT) -> str:
    """Return text that is safe to print, the token removed before a cut could leave half of it."""
    return printable(answer.conceal(text), limit)


def _text(value: object, answer: Answer) -> str | None:
    return _safe(value, answer) if isinstance(value, str) and value else None


def _status(name: str, answer: Answer) -> Status:
    status = parse_status(name)
    return status if isinstance(status, ImportStatus) else parse_status(answer.conceal(name))


def _milliseconds(value: object) -> int | None:
    # The API document declares an integer, but its example is a string of digits.
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:  # noqa: PLR2004 (no time has more digits)
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
