"""The table of responses: which come from LaunchDarkly, and what each one means."""

from __future__ import annotations

import pytest

from tests.support.driving import REF
from watcher.core.answers.authenticity import error_of
from watcher.core.answers.decoding import decode
from watcher.core.answers.replies import (
    BODY_LIMIT,
    Answer,
    Denied,
    Fault,
    FaultKind,
    Missing,
    Refused,
    Reply,
    Throttled,
)

SERVER, GATEWAY, PROXY = FaultKind.SERVER, FaultKind.GATEWAY, FaultKind.PROXY
OWN = b'{"code": "c", "message": "m"}'
PAGE = b"<html><title>Just a moment...</title></html>"
CUT = Fault(FaultKind.NETWORK, "the connection was closed within the response")

TABLE: list[tuple[int, bytes, type[Reply] | FaultKind]] = [
    (400, OWN, Refused),
    (401, OWN, Denied),
    (403, OWN, Denied),
    (404, OWN, Missing),
    (405, OWN, Refused),
    (410, OWN, Missing),
    (413, OWN, Refused),
    (418, OWN, Refused),
    (401, b"", Denied),
    (401, b" \r\n", Denied),
    (401, b'{"code":"unauthorized","message":"Invalid account ID header"}', Denied),
    (403, b'{"message":"m","reason":{"effect":"deny"},"access":{"action":"a"},"code":"forbidden"}', Denied),
    (403, b'\xef\xbb\xbf{"code": "c", "message": "m"}', Denied),
    (403, b'{"code": "c", "message": "caf\xe9"}', Denied),
    (403, b'{"code": "c", "message": "\\ud800", "x": NaN}', Denied),
    (404, b'{"code": "c", "message": "m", "x": ' + b"9" * 5000 + b"}", Missing),
    (404, b'{"code": "c", "message": ""}', Missing),
    (429, OWN, Throttled),
    (429, b"", Throttled),
    (429, PAGE, Throttled),
    (429, b'{"code": "\xff', Throttled),
    (403, PAGE, GATEWAY),
    (403, b"", GATEWAY),
    (403, b"Forbidden", GATEWAY),
    (403, b'{"message": "Forbidden"}', GATEWAY),
    (403, b'{"code": "forbidden"}', GATEWAY),
    (403, b'{"code": 1010, "message": "m"}', GATEWAY),
    (403, b'{"code": "c", "message": {"text": "m"}}', GATEWAY),
    (403, b"[" + OWN + b"]", GATEWAY),
    (403, OWN[:-1], GATEWAY),
    (403, OWN + OWN, GATEWAY),
    (403, b'{"error": {"code": "c", "message": "m"}}', GATEWAY),
    (403, OWN + b" " * BODY_LIMIT, GATEWAY),
    (401, PAGE, GATEWAY),
    (401, b"{}", GATEWAY),
    (400, b"", GATEWAY),
    (404, PAGE, GATEWAY),
    (404, b"", GATEWAY),
    (410, b"", GATEWAY),
    (201, OWN, GATEWAY),
    (204, b"", GATEWAY),
    (301, OWN, GATEWAY),
    (302, b"", GATEWAY),
    (304, b"", GATEWAY),
    (200, OWN, GATEWAY),
    (999, OWN, GATEWAY),
    (407, OWN, PROXY),
    (407, b"", PROXY),
    *[(status, OWN, SERVER) for status in (408, 409, 421, 423, 425, 499, 500, 502, 503, 504, 511, 599)],
    *[(status, PAGE, SERVER) for status in (408, 409, 421, 423, 425, 499, 500, 502, 503, 504, 511, 599)],
]


@pytest.mark.parametrize(("status", "body", "expected"), TABLE, ids=lambda value: repr(value)[:40])
def test_the_meaning_of_a_response(status: int, body: bytes, expected: type[Reply] | FaultKind) -> None:
    """Only LaunchDarkly's own errors are replies; everything else is a fault with its HTTP status."""
    reply = decode(REF, Answer(status, {}, body))
    if isinstance(reply, Fault):
        assert (reply.kind, reply.http_status) == (expected, status)
    else:
        assert type(reply) is expected
        assert status == 429 or error_of(Answer(status, {}, body)) is not None


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("body", [b"", OWN])
def test_a_response_that_is_cut_off_is_not_authentic(status: int, body: bytes) -> None:
    """The rest of a cut-off response is unknown, even if what arrived looks complete."""
    answer = Answer(status, {}, body, broken=CUT)
    assert error_of(answer) is None
    reply = decode(REF, answer)
    assert isinstance(reply, Fault)
    assert reply.kind is FaultKind.NETWORK


@pytest.mark.parametrize(
    ("status", "headers", "body", "detail"),
    [
        (403, {"server": "cloudflare"}, PAGE, 'HTTP 403 from cloudflare (page "Just a moment...")'),
        (302, {"location": "https://sso.example/"}, b"", "HTTP 302 to https://sso.example/"),
        (404, {"server": "nginx/1.2"}, b"<h1>404\r\n</h1>x", 'HTTP 404 from nginx/1.2 ("404")'),
        (403, {}, b"\r\n  Access   denied.\nRay 1", 'HTTP 403 ("Access denied.")'),
        (403, {}, b"<TITLE lang=en>\n A &amp; B \n</TITLE>", 'HTTP 403 (page "A & B")'),
        (403, {}, b"<script>x()</script><p>No</p>", 'HTTP 403 ("No")'),
        (403, {}, b'{"message": "Forbidden"}', 'HTTP 403 "Forbidden"'),
        (200, {}, b'{"code":"c","message":"m","id":"77aa"}', 'HTTP 200 c "m" (id 77aa)'),
        (200, {}, b"", "HTTP 200 (an empty body)"),
        (200, {}, b"{}", 'HTTP 200 ("{}")'),
        (200, {}, b'{"login":"required"}', 'HTTP 200 ("{"login":"required"}")'),
        (200, {}, '{"id": "a"}'.encode("utf-16"), "HTTP 200 (a body in UTF-16, not UTF-8)"),
        (502, {"server": "nginx"}, b"", "HTTP 502 from nginx"),
        (503, {}, OWN, 'HTTP 503 c "m"'),
    ],
)
def test_a_fault_quotes_the_response(status: int, headers: dict[str, str], body: bytes, detail: str) -> None:
    """A fault names the host, and quotes status, server, location, and the error, title or first line."""
    reply = decode(REF, Answer(status, headers, body, peer="api.test"))
    assert isinstance(reply, Fault)
    assert reply.detail == f"api.test responded with {detail}"
