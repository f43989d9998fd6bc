"""The fault table: network and gateway faults of one request, and the expected reply.

A new fault is one line in one of the tables: its name, the expected reply, and the server's acts.
"""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from typing import TypeAlias

from tests.support.fault_server import Act, Close, Dribble, Hang, Play, Repeat, Reset, Send, Wait
from watcher.core.answers.replies import (
    Denied,
    FaultKind,
    Found,
    Missing,
    Refused,
    Reply,
    WrongImport,
)
from watcher.core.model import ImportRef
from watcher.core.statuses import Outcome

Expected: TypeAlias = FaultKind | type[Reply]

NETWORK, SERVER, GATEWAY = FaultKind.NETWORK, FaultKind.SERVER, FaultKind.GATEWAY

REF = ImportRef("default", "production", "big-spenders", "1234a567-bcd8-9123-4567-abcd1234567f")


@dataclass(frozen=True, slots=True)
class FaultCase:
    """One case of the table.

    Attributes:
        name: A description.
        expected: The kind of `Fault`, or the reply, that one request must return.
        play: The server's reaction.
        lasting: The outcome if every request meets this fault and its kind does not decide.
    """

    name: str
    expected: Expected
    play: Play
    lasting: Outcome | None = None

    @property
    def times_out(self) -> bool:
        """Whether only the request timeout ends the request."""
        match self.play.acts[-1]:
            case Hang() | Repeat(times=None):
                return self.expected is NETWORK
            case _:
                return False

    @property
    def lasting_outcome(self) -> Outcome:
        """The outcome of a watch in which every request meets this fault."""
        return _LASTING_OUTCOMES[self.expected] if self.lasting is None else self.lasting


_LASTING_OUTCOMES: dict[Expected, Outcome] = {
    NETWORK: Outcome.UNAVAILABLE,
    SERVER: Outcome.UNAVAILABLE,
    GATEWAY: Outcome.PROTOCOL,
    WrongImport: Outcome.PROTOCOL,
    Refused: Outcome.PROTOCOL,
    Denied: Outcome.UNAUTHORIZED,
    Missing: Outcome.NOT_FOUND,
    Found: Outcome.TIMEOUT,
}


def import_body(**changes: object) -> bytes:
    """Return the API's body of an import, with some fields changed."""
    fields = {
        "id": REF.import_id,
        "segmentKey": REF.segment,
        "creationTime": 1654104600000,
        "mode": "replace",
        "status": "in_progress",
        "files": [{"filename": "bigsegimport.csv", "status": "in_progress"}],
        "_links": {},
    }
    return json.dumps(fields | changes).encode()


def answer(body: bytes, *fields: str, status: str = "200 OK", length: object = None) -> bytes:
    """Return a complete HTTP response; `length` sets a wrong `Content-Length`."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}"]
    if not any(field.lower().startswith("content-type:") for field in fields):
        head.append("Content-Type: application/json")
    return "\r\n".join((*head, *fields, "", "")).encode("latin-1") + body


def chunked(data: bytes) -> bytes:
    """Return the start of a chunked response."""
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + data


GOOD = answer(import_body())
CHUNK = b"%x\r\n%b\r\n" % (len(import_body()), import_body())
PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body>Sign in</body></html>"
HTML = "Content-Type: text/html; charset=utf-8"

IN_PROGRESS = Play((Send(GOOD),))
COMPLETE = Play((Send(answer(import_body(status="complete"))),))


def fault(
    name: str, expected: Expected, *acts: Act, unasked: bool = False, lasting: Outcome | None = None
) -> FaultCase:
    """Return a case of the table."""
    return FaultCase(name, expected, Play(acts, unasked), lasting)


def error(code: str) -> bytes:
    """Return the API's body of an error."""
    return json.dumps({"code": code, "message": "Not this time"}).encode()


CONNECTION_FAULTS = (
    fault("closed at once", NETWORK, Close(), unasked=True),
    fault("reset at once", NETWORK, Reset(), unasked=True),
    fault("closed before the first byte", NETWORK, Close()),
    fault("reset before the first byte", NETWORK, Reset()),
    fault("closed within the headers", NETWORK, Send(GOOD[:40]), Close()),
    fault("reset within the headers", NETWORK, Send(GOOD[:40]), Wait(0.01), Reset()),
    fault("closed within the body", NETWORK, Send(GOOD[:-9]), Close()),
    fault("reset within the body", NETWORK, Send(GOOD[:-9]), Wait(0.01), Reset()),
    fault("silence before the first byte", NETWORK, Hang()),
    fault("silence within the headers", NETWORK, Send(GOOD[:40]), Hang()),
    fault("silence within the body", NETWORK, Send(GOOD[:-9]), Hang()),
    fault("one byte at a time", Found, Dribble(GOOD)),
)

FRAMING_FAULTS = (
    fault("a header line too large", GATEWAY, Send(answer(b"{}", f"X-Large: {'a' * 65536}"))),
    fault("a header of 9 000 bytes", Found, Send(answer(import_body(), f"X-Large: {'a' * 9000}"))),
    fault("a header of 64 KiB", Found, Send(answer(import_body(), f"X-Large: {'a' * (65536 - 7)}"))),
    fault("headers of 250 KiB", Found, Send(answer(import_body(), *[f"X-Large: {'a' * 50000}"] * 5))),
    fault(
        "headers of 250 KiB in many writes",
        Found,
        *[
            act
            for piece in answer(import_body(), *[f"X-Large: {'a' * 50000}"] * 5).split(b"\r\n")
            for act in (Send(piece + b"\r\n"), Wait(0.001))
        ],
    ),
    fault("headers of 300 KiB", GATEWAY, Send(answer(import_body(), *[f"X-Large: {'a' * 50000}"] * 6))),
    fault("9 999 headers", Found, Send(answer(import_body(), *[f"X-{number}: a" for number in range(9999)]))),
    fault("too many headers", GATEWAY, Send(answer(import_body(), *["X: a"] * 20000))),
    fault("an endless header line", GATEWAY, Send(GOOD[:40]), Repeat(b"a" * 65536)),
    fault("endless headers", GATEWAY, Send(b"HTTP/1.1 200 OK\r\n"), Repeat(b"X-Endless: a\r\n" * 4096)),
    fault("an endless reason", GATEWAY, Send(b"HTTP/1.1 200 "), Repeat(b"a" * 65536)),
    fault("a NUL in a header", GATEWAY, Send(answer(import_body(), "X-Nul: a\x00b")), Close()),
    fault("a header without a colon", GATEWAY, Send(answer(import_body(), "X-No-Colon")), Close()),
    fault("every byte value instead of HTTP", GATEWAY, Send(bytes(range(256))), Close()),
    fault("SSH instead of HTTP", GATEWAY, Send(b"SSH-2.0-OpenSSH_9.2\r\n"), Close()),
    fault("a TLS alert instead of HTTP", GATEWAY, Send(b"\x15\x03\x01\x00\x02\x02\x46"), Close()),
    fault("HTTP/2 frames instead of HTTP/1", GATEWAY, Send(b"\0\0\6\4\0\0\0\0\0\0\3\0\0\0\x64"), Close()),
    fault("HTTP/0.9: only a body", GATEWAY, Send(import_body()), Close()),
    fault("a status that is not a number", GATEWAY, Send(b"HTTP/1.1 abc OK\r\n\r\n"), Close()),
    fault("a status of two digits", GATEWAY, Send(b"HTTP/1.1 20 OK\r\n\r\n"), Close()),
    fault("a status of four digits", GATEWAY, Send(b"HTTP/1.1 2000 OK\r\n\r\n"), Close()),
    fault("a negative status", GATEWAY, Send(answer(import_body(), status="-1 OK")), Close()),
    fault("a bad chunk size", GATEWAY, Send(chunked(b"zz\r\n" + CHUNK)), Close()),
    fault("a negative chunk size", GATEWAY, Send(chunked(b"-5\r\n" + CHUNK)), Close()),
    fault("a bad chunk size, kept open", GATEWAY, Send(chunked(b"zz\r\n" + CHUNK)), Hang()),
    fault("a bad chunk size after the head", GATEWAY, Send(chunked(b"")), Wait(0.01), Send(b"z\r\n"), Hang()),
    fault(
        "a bad chunk size after a good one", GATEWAY, Send(chunked(CHUNK)), Wait(0.01), Send(b"z\r\n"), Hang()
    ),
    fault("503 with a bad chunk size", SERVER, Send(chunked(b"z\r\n").replace(b"200 OK", b"503 x")), Hang()),
    fault("an endless chunk size", NETWORK, Send(chunked(b"")), Repeat(b"0" * 65536)),
    fault("an endless chunk extension", NETWORK, Send(chunked(b"5;")), Repeat(b"a" * 65536)),
    fault("endless trailers", NETWORK, Send(chunked(b"0\r\n")), Repeat(b"X: " + b"a" * 60_000 + b"\r\n")),
    fault("chunks that stop", NETWORK, Send(chunked(CHUNK)), Close()),
    fault("chunks that stop within one", NETWORK, Send(chunked(CHUNK[:20])), Close()),
    fault("a Content-Length too long", NETWORK, Send(answer(import_body(), length=9999)), Close()),
    fault("a Content-Length too long, kept open", NETWORK, Send(answer(import_body(), length=9999)), Hang()),
    fault("a Content-Length too short", GATEWAY, Send(answer(import_body(), length=9))),
    fault("a negative Content-Length", GATEWAY, Send(answer(import_body(), length=-5))),
    fault("a Content-Length in words", GATEWAY, Send(answer(import_body(), length="many"))),
    fault("two Content-Lengths", GATEWAY, Send(answer(import_body(), "Content-Length: 9")), Close()),
    fault("Content-Length and chunks", GATEWAY, Send(answer(CHUNK, "Transfer-Encoding: chunked")), Close()),
    fault("endless 100", GATEWAY, Repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 99)),
    fault("100, then closed", NETWORK, Send(b"HTTP/1.1 100 Continue\r\n\r\n"), Close()),
    fault("100, then a good answer", Found, Send(b"HTTP/1.1 100 Continue\r\n\r\n"), Wait(0.01), Send(GOOD)),
    fault("103, then a good answer", Found, Send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + GOOD)),
    fault("two answers to one request", Found, Send(GOOD + answer(import_body(status="stopped")))),
)

STATUS_FAULTS = (
    fault("201", GATEWAY, Send(answer(import_body(), status="201 Created"))),
    fault("204", GATEWAY, Send(b"HTTP/1.1 204 No Content\r\n\r\n")),
    fault(
        "206",
        GATEWAY,
        Send(answer(import_body(), "Content-Range: bytes 0-9/99", status="206 Partial Content")),
    ),
    fault("301", GATEWAY, Send(answer(b"", "Location: http://[::bad", status="301 Moved Permanently"))),
    fault("302 to a login page", GATEWAY, Send(answer(PAGE, HTML, "Location: /login", status="302 Found"))),
    fault("304", GATEWAY, Send(b"HTTP/1.1 304 Not Modified\r\n\r\n")),
    fault("400", Refused, Send(answer(error("invalid_request"), status="400 Bad Request"))),
    fault("400 page", GATEWAY, Send(answer(PAGE, HTML, status="400 Bad Request"))),
    fault("400 with a code alone", GATEWAY, Send(answer(b'{"code": "invalid_request"}', status="400 x"))),
    fault("401 closed within the body", NETWORK, Send(answer(b"{", status="401 x", length=99)), Close()),
    fault("401 closed before the body", NETWORK, Send(answer(b"", status="401 x", length=99)), Close()),
    fault("404 reset within the body", NETWORK, Send(answer(b"{", status="404 x", length=99)), Reset()),
    fault("503 closed within the body", SERVER, Send(answer(b"{", status="503 x", length=99)), Close()),
    fault("401", Denied, Send(answer(error("unauthorized"), status="401 Unauthorized"))),
    fault("401 without a body", Denied, Send(answer(b"", status="401 Unauthorized"))),
    fault(
        "401 page",
        GATEWAY,
        Send(answer(PAGE, HTML, status="401 Unauthorized")),
        lasting=Outcome.UNAUTHORIZED,
    ),
    fault("403", Denied, Send(answer(error("forbidden"), status="403 Forbidden"))),
    fault(
        "403 page", GATEWAY, Send(answer(PAGE, HTML, status="403 Forbidden")), lasting=Outcome.UNAUTHORIZED
    ),
    fault(
        "403 without a body", GATEWAY, Send(answer(b"", status="403 Forbidden")), lasting=Outcome.UNAUTHORIZED
    ),
    fault("404", Missing, Send(answer(error("not_found"), status="404 Not Found"))),
    fault("404 page", GATEWAY, Send(answer(PAGE, HTML, status="404 Not Found")), lasting=Outcome.NOT_FOUND),
    fault(
        "408 and closed",
        SERVER,
        Send(answer(b"", "Connection: close", status="408 Request Timeout")),
        Close(),
        lasting=Outcome.PROTOCOL,
    ),
    fault("409", SERVER, Send(answer(error("x"), status="409 Conflict")), lasting=Outcome.PROTOCOL),
    fault("410", Missing, Send(answer(error("gone"), status="410 Gone"))),
    fault("410 without a body", GATEWAY, Send(answer(b"", status="410 Gone")), lasting=Outcome.NOT_FOUND),
    fault("418", Refused, Send(answer(error("teapot"), status="418 I'm a teapot"))),
    fault("418 with a list", GATEWAY, Send(answer(b"[]", status="418 I'm a teapot"))),
    fault("421", SERVER, Send(answer(b"", status="421 Misdirected Request")), lasting=Outcome.PROTOCOL),
    fault("425", SERVER, Send(answer(b"", status="425 Too Early")), lasting=Outcome.PROTOCOL),
    fault("499", SERVER, Send(answer(PAGE, HTML, status="499 x")), lasting=Outcome.PROTOCOL),
    fault(
        "500", SERVER, Send(answer(b'{"code": "internal", "id": "a1"}', status="500 Internal Server Error"))
    ),
    fault("502 page", SERVER, Send(answer(PAGE, HTML, status="502 Bad Gateway"))),
    fault(
        "503 of 80 MB", SERVER, Send(answer(b"", HTML, status="503 x", length=1 << 26)), Repeat(b" " * 65536)
    ),
    fault("504 without a body", SERVER, Send(answer(b"", status="504 Gateway Timeout"))),
    fault("511 page", SERVER, Send(answer(PAGE, HTML, status="511 Network Authentication Required"))),
    fault("599", SERVER, Send(answer(b"\xff\xfe", status="599 x"))),
    fault("999", GATEWAY, Send(answer(import_body(), status="999 x"))),
)

_MEMBER = gzip.compress(b" " * (1 << 20))

ENCODING_FAULTS = (
    fault("unrequested gzip", Found, Send(answer(gzip.compress(import_body()), "Content-Encoding: GZIP"))),
    fault(
        "unrequested gzip of almost 1 MiB",
        Found,
        Send(answer(gzip.compress(import_body(x="a" * 1_040_000)), "Content-Encoding: x-gzip")),
    ),
    fault(
        "unrequested gzip of more than 1 MiB",
        GATEWAY,
        Send(answer(gzip.compress(import_body(x="a" * 1_050_000)), "Content-Encoding: gzip")),
    ),
    fault(
        "half of a gzip body",
        GATEWAY,
        Send(answer(gzip.compress(import_body())[:-60], "Content-Encoding: gzip")),
    ),
    fault(
        "gzip and no coding",
        Found,
        Send(answer(gzip.compress(import_body()), "Content-Encoding: gzip, identity")),
    ),
    fault("a plain body declared as gzip", Found, Send(answer(import_body(), "Content-Encoding: gzip"))),
    fault(
        "a 404 of the API in gzip",
        Missing,
        Send(
            answer(
                gzip.compress(b'{"code": "not_found", "message": "Not found"}'),
                "Content-Encoding: gzip",
                status="404 Not Found",
            )
        ),
    ),
    fault(
        "unrequested deflate",
        Found,
        Send(answer(zlib.compress(import_body()), "Content-Encoding: deflate")),
    ),
    fault(
        "unrequested deflate without a zlib header",
        Found,
        Send(answer(zlib.compress(import_body(), wbits=-15), "Content-Encoding: deflate")),
    ),
    fault("unrequested br", GATEWAY, Send(answer(b"\x0b\x02\x80abcdef\x03", "Content-Encoding: br"))),
    fault("undeclared gzip", GATEWAY, Send(answer(gzip.compress(import_body())))),
    fault("a bomb of 500 MiB", GATEWAY, Send(answer(_MEMBER * 500, "Content-Encoding: gzip"))),
    fault("a body of 80 MB", GATEWAY, Send(answer(b"", length=80_000_000)), Repeat(b" " * 62500, times=1280)),
    fault("an endless body", GATEWAY, Send(b"HTTP/1.1 200 OK\r\n\r\n"), Repeat(b" " * 65536)),
    fault("endless chunks", GATEWAY, Send(chunked(b"")), Repeat(b"10000\r\n" + b" " * 65536 + b"\r\n")),
)
