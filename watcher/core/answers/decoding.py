"""Decode an HTTP response ``(status, headers, body)`` into a reply."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from http import HTTPStatus
from itertools import chain

from watcher.core.answers.authenticity import error_of, is_error
from watcher.core.answers.lenient import read_exact_text, read_object, read_value
from watcher.core.answers.quoting import (
    SEARCH_LIMIT,
    concealed,
    error_in,
    quote,
    safe,
    safe_text,
    without_token,
)
from watcher.core.answers.replies import (
    BODY_LIMIT,
    Answer,
    ApiError,
    Denied,
    Fault,
    FaultKind,
    Found,
    Missing,
    Refused,
    Reply,
    Throttled,
    WrongImport,
)
from watcher.core.messages import faults
from watcher.core.model import LATEST_CREATION_MS, Import, ImportFile, ImportRef
from watcher.core.statuses import ImportStatus, Status, parse_status
from watcher.core.text import printable

_FILES_LIMIT = 100

_SMALL = 4096
"""Largest body in bytes that is decoded only once: most polls return the same one as the poll before."""

_TEMPORARY = frozenset({408, 409, 421, 423, 425, 499})
"""Statuses below 500 that a later request may not meet, whoever sent them."""


@dataclass(frozen=True, slots=True)
class _Members:
    """The members of an import as received: not safe to print.

    Attributes:
        import_id, segment_key: None if unreadable.
        status: Empty if unreadable.
        problem: Why the import is of no use, even if it is the right one.
        is_error: Whether it could be an error of the API as well.
    """

    import_id: str | None
    segment_key: str | None
    status: str
    mode: object
    created_ms: int | None
    files: tuple[tuple[object, object], ...]
    problem: str | None
    is_error: bool


@dataclass(frozen=True, slots=True)
class _Small:
    """A small body, and the reply if the token is not in ``text``, all that the reply shows."""

    members: _Members
    found: Found
    text: str


def decode(ref: ImportRef, answer: Answer) -> Reply:
    """Return the meaning of a response to a request for ``ref``; never raises, whatever the bytes.

    Only LaunchDarkly's own errors become replies other than a fault; see ``error_of``. A 429 is one whoever
    sent it: the rate limits of gateways count as well.
    """
    status = answer.status
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        members = read_object(answer.body)
        return Throttled(ApiError(status) if members is None else error_in(members, answer))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _TEMPORARY:
        kind = FaultKind.SERVER if status < 600 else FaultKind.GATEWAY  # noqa: PLR2004 (the end of 5xx)
        return _fault(kind, answer)
    if answer.broken is not None:
        detail = faults.cut_off(status, answer.broken.detail)
        return answer.broken if status == HTTPStatus.OK else replace(answer.broken, detail=detail)
    if status == HTTPStatus.OK:
        return _decode_import(ref, answer)
    error = error_of(answer)
    if error is None or status // 100 != 4 or status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:  # noqa: PLR2004 (4xx)
        kind = FaultKind.PROXY if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED else FaultKind.GATEWAY
        return _fault(kind, answer)
    match status:
        case 401 | 403:
            return Denied(error, answer.token_changed)
        case 404 | 410:
            return Missing(error)
        case _:
            return Refused(error)


def _decode_import(ref: ImportRef, answer: Answer) -> Found | WrongImport | Fault:
    if len(answer.body) > BODY_LIMIT:
        return _fault(FaultKind.GATEWAY, answer, faults.large_body(BODY_LIMIT >> 20))
    small = _read_small(answer.body) if len(answer.body) <= _SMALL else None
    members = _read_members(answer.body) if small is None else small.members
    if members is None:
        return _fault(FaultKind.GATEWAY, answer)
    wrong = _wrong_import(ref, members, answer)
    if members.is_error and (wrong is not None or members.problem is not None):
        return _fault(FaultKind.GATEWAY, answer)
    if wrong is not None:
        return wrong
    if members.problem is not None:
        return _fault(FaultKind.GATEWAY, answer, members.problem)
    if small is not None and concealed(small.text, answer) == small.text:
        return small.found
    return _found(members, answer)


def _wrong_import(ref: ImportRef, members: _Members, answer: Answer) -> WrongImport | None:
    # Compared as received: a key may contain the text of a short token.
    if members.import_id is not None and members.import_id != ref.import_id:
        return WrongImport("id", printable(ref.import_id), safe(members.import_id, answer))
    if members.segment_key is not None and members.segment_key != ref.segment:
        return WrongImport("segmentKey", printable(ref.segment), safe(members.segment_key, answer))
    return None


def _found(members: _Members, answer: Answer) -> Found:
    files = [ImportFile(safe_text(name, answer), safe_text(status, answer)) for name, status in members.files]
    return Found(
        Import(
            status=_status(members.status, answer),
            mode=safe_text(members.mode, answer),
            created_ms=members.created_ms,
            files=tuple(files),
        )
    )


@lru_cache(maxsize=256)
def _read_small(body: bytes) -> _Small | None:
    members = _read_members(body)
    if members is None or members.problem is not None:
        return None
    shown = (members.status, members.mode, *chain.from_iterable(members.files))
    text = "\n".join(text[:SEARCH_LIMIT] for text in shown if isinstance(text, str))
    return _Small(members, _found(members, Answer(HTTPStatus.OK, {}, body)), text)


def _read_members(body: bytes) -> _Members | None:
    """Return the members of an import; None if the body is none: a status of null is no status."""
    members = read_object(body) or {}
    if not {"id", "segmentKey", "status"} <= members.keys() or members["status"].strip() == "null":
        return None
    import_id, segment_key, status = (
        read_exact_text(members[name]) for name in ("id", "segmentKey", "status")
    )
    problem = None
    if import_id is None or segment_key is None or status is None:
        problem = faults.UNREADABLE_IMPORT
    elif not status.strip():
        problem = faults.NO_STATUS
    mode, created, files = (read_value(members.get(name)) for name in ("mode", "creationTime", "files"))
    return _Members(
        import_id,
        segment_key,
        status or "",
        mode,
        _milliseconds(created),
        _files(files),
        problem,
        is_error(members),
    )


def _fault(kind: FaultKind, answer: Answer, said: str | None = None) -> Fault:
    return Fault(kind, faults.responded(answer.peer, quote(answer, said)), answer.status)


def _status(name: str, answer: Answer) -> Status:
    status = parse_status(name[:SEARCH_LIMIT])
    return status if isinstance(status, ImportStatus) else parse_status(without_token(name, answer))


def _milliseconds(value: object) -> int | None:
    # The API document declares an integer, but its example is a string of digits.
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:  # noqa: PLR2004 (no time has more digits)
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= LATEST_CREATION_MS else None


def _files(value: object) -> tuple[tuple[object, object], ...]:
    if not isinstance(value, list):
        return ()
    items = (item for item in value[:_FILES_LIMIT] if isinstance(item, dict))
    return tuple((item.get("filename"), item.get("status")) for item in items)
