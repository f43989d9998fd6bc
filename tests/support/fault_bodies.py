"""The fault table's HTTP 200 responses: bodies that are not an import, or a hostile one."""

from __future__ import annotations

from tests.support.fault_server import Send
from tests.support.faults import (
    CONNECTION_FAULTS,
    ENCODING_FAULTS,
    FRAMING_FAULTS,
    GATEWAY,
    HTML,
    PAGE,
    REF,
    STATUS_FAULTS,
    Expected,
    FaultCase,
    answer,
    fault,
    import_body,
)
from watcher.core.answers.replies import Found, WrongImport

HOSTILE = "\x1b[31mred\x1b]0;title\x07\r\nforged line\x9b2J\u202edeces\u2066\u200b\u2028\ufeff\x00"
"""Terminal escapes, forged lines and reversed text."""

_DEEP = 100_000
_GOOD = import_body()


def _body(name: str, expected: Expected, body: bytes, *fields: str) -> FaultCase:
    return fault(name, expected, Send(answer(body, *fields)))


def _with(field: bytes) -> bytes:
    """Return an import with a further field as raw JSON."""
    return _GOOD[:-1] + b", " + field + b"}"


BODY_FAULTS = (
    _body("an empty body", GATEWAY, b""),
    _body("a login page", GATEWAY, PAGE, HTML),
    _body("a login page as JSON", GATEWAY, PAGE),
    _body("plain text", GATEWAY, b"OK", "Content-Type: text/plain"),
    _body("half of an import", GATEWAY, _GOOD[:-20]),
    _body("two imports", GATEWAY, _GOOD + _GOOD),
    _body("an import with a JSON-hijacking prefix", GATEWAY, b")]}',\n" + _GOOD),
    _body("an empty object", GATEWAY, b"{}"),
    _body("a list", GATEWAY, b"[" + _GOOD + b"]"),
    _body("null", GATEWAY, b"null"),
    _body("a string", GATEWAY, b'"complete"'),
    _body("a number", GATEWAY, b"200"),
    _body("NaN", GATEWAY, b"NaN"),
    _body("an error as 200", GATEWAY, b'{"code": "not_found", "message": "Not found"}'),
    _body("a status that is a number", GATEWAY, import_body(status=5)),
    _body("a status that is null", GATEWAY, import_body(status=None)),
    _body("a status that is true", GATEWAY, import_body(status=True)),
    _body("a status that is a list", GATEWAY, import_body(status=["complete"])),
    _body("no status", GATEWAY, _GOOD.replace(b'"status": "in_progress", ', b"")),
    _body("no id", GATEWAY, _GOOD.replace(b'"id"', b'"_id"')),
    _body("an id that is a number", GATEWAY, import_body(id=1234)),
    _body("another id", WrongImport, import_body(id="another")),
    _body("another segment", WrongImport, import_body(segmentKey="another")),
    _body("another id and no status", GATEWAY, import_body(id="another", status=None)),
    _body("another id and an unreadable status", WrongImport, import_body(id="another", status=5)),
    _body("a gateway's own id and status", GATEWAY, b'{"id": "request-1", "status": "error"}'),
    _body("a field that is NaN", Found, _with(b'"creationTime": NaN')),
    _body("a number too large for a float", Found, _with(b'"creationTime": 1e999')),
    _body("a number with 5 000 digits", Found, _with(b'"creationTime": ' + b"9" * 5000)),
    _body("lists 100 000 deep", GATEWAY, b"[" * _DEEP + b"]" * _DEEP),
    _body("objects 100 000 deep", GATEWAY, b'{"a":' * _DEEP + b"1" + b"}" * _DEEP),
    _body("files 100 000 deep", Found, _with(b'"files": ' + b"[" * _DEEP + b"]" * _DEEP)),
    _body("an unknown field 100 000 deep", Found, _with(b'"x": ' + b"[" * _DEEP + b"]" * _DEEP)),
    _body("a status that is not UTF-8", GATEWAY, _GOOD.replace(b"in_progress", b"in\xff")),
    _body("a mode that is not UTF-8", Found, _GOOD.replace(b"replace", b"\xed\xa0\x80")),
    _body("a byte order mark", Found, b"\xef\xbb\xbf" + _GOOD),
    _body("UTF-16", GATEWAY, _GOOD.decode().encode("utf-16")),
    _body("a lone surrogate", GATEWAY, _GOOD.replace(b"in_progress", b"\\ud800")),
    _body("a raw control character", GATEWAY, _GOOD.replace(b"in_progress", b"\x1b[31m")),
    _body("an invalid media type", GATEWAY, PAGE, "Content-Type: \xff\xfe;;;=\x1b"),
    _body("wrong types of optional fields", Found, import_body(mode=5, files="x", creationTime=[])),
    _body("invalid files", Found, import_body(files=[None, 1, {"filename": {}}, {"status": 5}])),
    _body("a negative time", Found, import_body(creationTime=-(10**15))),
    _body("100 000 files", Found, import_body(files=[{}] * 100_000)),
    _body("an endless status", Found, import_body(status="x" * 100_000)),
    _body("a status in capitals", Found, import_body(status="COMPLETE")),
    _body("a hostile status", Found, import_body(status=HOSTILE)),
    _body("a hostile mode", Found, import_body(mode=HOSTILE)),
    _body("a hostile file", Found, import_body(files=[{"filename": HOSTILE, "status": HOSTILE}])),
    _body("a file name that is not UTF-8", Found, _GOOD.replace(b"bigseg", b"\xfc")),
    _body("a file name with a lone surrogate", Found, _GOOD.replace(b"bigseg", b"\\ud800")),
    _body("another id and NaN", WrongImport, import_body(id="another").replace(b"1654104600000", b"NaN")),
    _body(
        "an error as 200 with an id",
        GATEWAY,
        b'{"code": "internal_service_error", "message": "Try again later", "id": "77aa"}',
    ),
    _body("a hostile id", WrongImport, import_body(id=REF.import_id + HOSTILE)),
    _body(
        "invalid cookies", Found, _GOOD, "Set-Cookie: \x01=;,,==\xff", "Set-Cookie: {a}[b]/c=d; expires=no"
    ),
    _body("an illegal cookie", Found, _GOOD, 'Set-Cookie: a b,c="x', "Set-Cookie: =", "Set-Cookie: ;"),
    _body(
        "invalid headers",
        Found,
        _GOOD,
        "Date: no",
        "Keep-Alive: timeout=-1",
        "Connection: \xff, keep-alive",
    ),
    _body("duplicate headers", Found, _GOOD, "Content-Type: text/html", "Content-Type: application/json"),
    _body("an upgrade offer", Found, _GOOD, "Connection: upgrade", "Upgrade: h2c"),
)

ALL_FAULTS = CONNECTION_FAULTS + FRAMING_FAULTS + STATUS_FAULTS + ENCODING_FAULTS + BODY_FAULTS
