"""Decode an HTTP response ``(status, headers, body)`` into a reply."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from watcher.core.answers.replies import (
    BODY_LIMIT,
    Answer,
    ApiError,
    Denied,
    Fault,
    FaultKind,
    Found,
    Missing,
    Redirected,
    Refused,
    Reply,
    Throttled,
    WrongImport,
)
from watcher.core.model import LATEST_CREATION_MS, Import, ImportFile, ImportRef
from watcher.core.statuses import ImportStatus, Status, parse_status
from watcher.core.text import FOREIGN_TEXT_LIMIT, printable

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
    if answer.status == HTTPStatus.OK:
        return _decode_import(ref, answer) if answer.broken is None else answer.broken
    error = _decode_error(answer)
    match answer.status // 100, answer.status:
        case _, 429:
            return Throttled(error)
        case _, 401 | 403:
            return Denied(error, answer.token_changed)
        case _, 404 | 410:
            return Missing(error)
        case (5, _) | (_, 408 | 425):
            return Fault(FaultKind.SERVER, f"the server responded with {error}")
        case 3, _:
            return Redirected(error, _text(answer.headers.get("location"), answer))
        case 4, _:
            return Refused(error)
        case _:
            return _nonsense(f"unexpected HTTP {answer.status}")


def _decode_import(ref: ImportRef, answer: Answer) -> Found | WrongImport | Fault:
    encoding = answer.headers.get("content-encoding", "").strip()
    if encoding.lower() not in {"", "identity"}:
        return _nonsense(f"a body encoded as {_safe(encoding, answer, 30)}, which was not requested")
    if len(answer.body) > BODY_LIMIT:
        return _nonsense(f"a body of more than {BODY_LIMIT >> 20} MiB")
    try:
        body = _essentials.decode(answer.body)
    except _DECODE_ERRORS:
        return _explain_unreadable(ref, answer)
    wrong = _find_wrong_import(ref, body, answer)
    if wrong is not None:
        return wrong
    if not body.status.strip():
        return _nonsense("HTTP 200 with an import without a status")
    return Found(
        Import(
            status=_status(body.status, answer),
            mode=_text(body.mode, answer),
            created_ms=_milliseconds(body.creation_time),
            files=_files(body.files, answer),
        )
    )


def _explain_unreadable(ref: ImportRef, answer: Answer) -> WrongImport | Fault:
    """Distinguish another import and a body that is no import from an import with an unreadable field."""
    try:
        identity = _identity.decode(answer.body)
    except _DECODE_ERRORS:
        return _nonsense(f"HTTP 200 with {_describe_body(answer)}")
    return _find_wrong_import(ref, identity, answer) or _nonsense(
        "HTTP 200 with an import whose fields are missing or unreadable"
    )


def _describe_body(answer: Answer) -> str:
    content_type = answer.conceal(answer.headers.get("content-type", ""))
    media_type = printable(content_type.partition(";")[0].strip(), 40)
    shape = f" ({media_type})" if media_type not in {"", "application/json"} else ""
    return f"a body that is not an import{shape}" if answer.body else "an empty body"


def _find_wrong_import(ref: ImportRef, body: _Identity | _Essentials, answer: Answer) -> WrongImport | None:
    # Compared as received: a key may contain the text of a short token.
    if isinstance(body.id, str) and body.id != ref.import_id:
        return WrongImport("id", printable(ref.import_id), _safe(body.id, answer))
    if isinstance(body.segment_key, str) and body.segment_key != ref.segment:
        return WrongImport("segmentKey", printable(ref.segment), _safe(body.segment_key, answer))
    return None


def _nonsense(detail: str) -> Fault:
    return Fault(FaultKind.NONSENSE, detail)


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
