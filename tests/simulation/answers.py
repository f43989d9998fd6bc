"""The responses of the model of LaunchDarkly, and their meaning."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.utils import formatdate
from enum import Enum
from typing import TYPE_CHECKING

from tests.simulation.scenario import PlannedFault
from watcher.core.answers.replies import Answer, Fault, FaultKind

if TYPE_CHECKING:
    from watcher.core.model import ImportRef


class Meaning(Enum):
    """The meaning of a response."""

    FOUND = "found"
    THROTTLED = "throttled"
    MISSING = "missing"
    DENIED = "denied"
    ROTATED = "denied, but the token was rotated"
    REFUSED = "refused"
    WRONG_IMPORT = "foreign"
    SERVER = "server fault"
    GATEWAY = "gateway"
    NETWORK = "network fault"
    UNKNOWN_HOST = "unknown host"
    UNTRUSTED = "untrusted certificate"


@dataclass(frozen=True, slots=True)
class Reset:
    """One readable reset header; ``spent`` if one of its limits has nothing left."""

    milliseconds: int
    spent: bool


@dataclass(frozen=True, slots=True)
class Said:
    """The times in a response's headers, as the server meant them.

    Attributes:
        date: ``Date`` in Unix seconds; None if there is no readable one.
        retry_after: ``Retry-After`` in seconds.
        retry_at: ``Retry-After`` as a date in Unix seconds.
        resets: The resets that can be read.
    """

    date: int | None = None
    retry_after: int | None = None
    retry_at: int | None = None
    resets: tuple[Reset, ...] = ()


@dataclass(frozen=True, slots=True)
class Served:
    """A response as sent, and its meaning."""

    answer: Answer | Fault
    meaning: Meaning
    status: str | None = None
    said: Said = Said()


SILENCE = Served(Fault(FaultKind.NETWORK, "no whole answer came in time"), Meaning.NETWORK)
"""No response at all."""

_BROKEN = {
    PlannedFault.DROP: (
        FaultKind.NETWORK,
        Meaning.NETWORK,
        "the connection was closed before an answer came",
    ),
    PlannedFault.UNKNOWN_HOST: (FaultKind.UNKNOWN_HOST, Meaning.UNKNOWN_HOST, "there is no such host"),
    PlannedFault.UNTRUSTED: (
        FaultKind.UNTRUSTED,
        Meaning.UNTRUSTED,
        "the server's certificate is not trusted",
    ),
}

_ERRORS = {
    PlannedFault.BAD_GATEWAY: (502, Meaning.SERVER, b"<html><h1>502 Bad Gateway</h1></html>"),
    PlannedFault.UNAVAILABLE: (503, Meaning.SERVER, b""),
    PlannedFault.UNAVAILABLE_SECONDS: (
        503,
        Meaning.SERVER,
        b'{"code":"service_unavailable","message":"later"}',
    ),
    PlannedFault.UNAVAILABLE_DATE: (503, Meaning.SERVER, b'{"code":"service_unavailable","message":"later"}'),
    PlannedFault.REQUEST_TIMEOUT: (408, Meaning.GATEWAY, b""),
    PlannedFault.LOGIN_PAGE: (200, Meaning.GATEWAY, b"<html><form>Sign in to the hotel</form></html>"),
    PlannedFault.EMPTY: (200, Meaning.GATEWAY, b""),
    PlannedFault.CUT_OFF: (200, Meaning.GATEWAY, b'{"id": "0", "segmentKey": "big-spen'),
    PlannedFault.NO_CONTENT: (204, Meaning.GATEWAY, b""),
    PlannedFault.NOT_UTF8: (200, Meaning.GATEWAY, b'{"id": "\xff\xfe", "status": "complete"}'),
    PlannedFault.REDIRECT: (302, Meaning.GATEWAY, b""),
    PlannedFault.BAD_REQUEST: (
        400,
        Meaning.REFUSED,
        b'{"code":"invalid_request","message":"Invalid request body"}',
    ),
    PlannedFault.UNAUTHORIZED: (
        401,
        Meaning.DENIED,
        b'{"code":"unauthorized","message":"Invalid access token"}',
    ),
    PlannedFault.ROTATED_TOKEN: (401, Meaning.ROTATED, b""),
    PlannedFault.FORBIDDEN: (403, Meaning.DENIED, b'{"code":"forbidden","message":"Forbidden."}'),
    PlannedFault.NOT_FOUND: (
        404,
        Meaning.MISSING,
        b'{"code":"not_found","message":"Invalid resource identifier"}',
    ),
    PlannedFault.GONE: (410, Meaning.MISSING, b'{"code":"gone","message":"Gone"}'),
    PlannedFault.REFUSING_PAGE: (403, Meaning.GATEWAY, b"<html><title>Just a moment...</title></html>"),
    PlannedFault.BARE_FORBIDDEN: (403, Meaning.GATEWAY, b""),
    PlannedFault.FOREIGN_JSON: (403, Meaning.GATEWAY, b'{"message":"Forbidden"}'),
    PlannedFault.UNAUTHORIZED_PAGE: (401, Meaning.GATEWAY, b"<html><title>Sign in</title></html>"),
    PlannedFault.MISSING_PAGE: (404, Meaning.GATEWAY, b"<html><title>404 Not Found</title></html>"),
    PlannedFault.BARE_GONE: (410, Meaning.GATEWAY, b""),
    PlannedFault.ERROR_ENVELOPE: (200, Meaning.GATEWAY, b'{"code":"internal","message":"later","id":"77"}'),
    PlannedFault.CONFLICT: (
        409,
        Meaning.GATEWAY,
        b'{"code":"optimistic_locking_error","message":"Conflict"}',
    ),
    PlannedFault.MISDIRECTED: (421, Meaning.GATEWAY, b""),
    PlannedFault.CLOSED_REQUEST: (499, Meaning.GATEWAY, b""),
    PlannedFault.BARE_REFUSAL: (
        429,
        Meaning.THROTTLED,
        b'{"code":"rate_limited","message":"Try again later."}',
    ),
}


def broken(fault: PlannedFault) -> Served | None:
    """Return the fault instead of a response; None for faults that are responses."""
    if fault is PlannedFault.SILENCE:
        return SILENCE
    if fault not in _BROKEN:
        return None
    kind, meaning, detail = _BROKEN[fault]
    return Served(Fault(kind, detail), meaning)


def faulty(
    fault: PlannedFault, ref: ImportRef, status: str | None, headers: dict[str, str], said: Said
) -> Served:
    """Return a faulty response instead of one with ``status``."""
    if fault is PlannedFault.FOREIGN_ID:
        body = _import(ref.segment, "another-import", "complete")
        return Served(Answer(200, headers, body), Meaning.WRONG_IMPORT, said=said)
    if fault is PlannedFault.FOREIGN_SEGMENT:
        body = _import("another-segment", ref.import_id, "complete")
        return Served(Answer(200, headers, body), Meaning.WRONG_IMPORT, said=said)
    if fault is PlannedFault.NO_STATUS:
        body = json.dumps({"id": ref.import_id, "segmentKey": ref.segment, "state": status}).encode()
        return Served(Answer(200, headers, body), Meaning.GATEWAY, said=said)
    code, meaning, body = _ERRORS[fault]
    if fault is PlannedFault.REDIRECT:
        headers = {**headers, "location": "https://login.example.com/"}
    answer = Answer(code, headers, body, token_changed=meaning is Meaning.ROTATED)
    return Served(answer, meaning, said=said)


MESSES = (
    (b"{", b"{"),
    (b'"creationTime": 1654104600000', b'"creationTime": NaN'),
    (b"keys.csv", b"k\xfcys.csv"),
    (b'"mode": "replace"', b'"mode": "\\ud800"'),
    (b'{"id"', b'\xef\xbb\xbf{"id"'),
)
"""Replacements that leave a body readable although they make it invalid; the first changes nothing."""


def truth(
    ref: ImportRef, status: str | None, headers: dict[str, str], said: Said, mess: tuple[bytes, bytes]
) -> Served:
    """Return the response with the status of an import; None means that there is no such import."""
    if status is None:
        return faulty(PlannedFault.NOT_FOUND, ref, status, headers, said)
    body = _import(ref.segment, ref.import_id, status).replace(*mess)
    return Served(Answer(200, headers, body), Meaning.FOUND, status, said)


def _import(segment: str, import_id: str, status: str) -> bytes:
    document = {
        "id": import_id,
        "segmentKey": segment,
        "creationTime": 1_654_104_600_000,
        "mode": "replace",
        "status": status,
        "files": [{"filename": "keys.csv", "status": status}],
        "_links": {},
    }
    return json.dumps(document).encode()


def http_date(unix: float) -> str:
    """Return a time in the format of HTTP, cut to the second."""
    return formatdate(int(unix), usegmt=True)
