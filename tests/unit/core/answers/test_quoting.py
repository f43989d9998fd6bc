"""Tests of the line that quotes a response."""

from __future__ import annotations

import json

import pytest

from tests.support.driving import REF, import_body
from watcher.core.answers.decoding import decode
from watcher.core.answers.quoting import quote
from watcher.core.answers.replies import BODY_LIMIT, Answer, ApiError, Fault

LONG = "x" * 500


# Not one element on each line, so that the whole table fits on a screen.
@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        # An empty body is unusual only for a success.
        (299, {}, b" ", "HTTP 299 (an empty body)"),
        (300, {}, b" ", "HTTP 300"),
        # Bytes that are not ASCII cannot be read if the encoding is unknown.
        (403, {"content-encoding": "br"}, b"\xff\xfe ", "HTTP 403 (a body in UTF-16, not UTF-8)"),
        (403, {"content-encoding": "br"}, b"\xfd", "HTTP 403 (a body encoded as br, which cannot be read)"),
        (403, {"content-encoding": "br"}, b"No", 'HTTP 403 ("No")'),
        (403, {"content-encoding": "Identity"}, b"N\xc3\xb6", 'HTTP 403 ("N\u00f6")'),
        (403, {"content-encoding": " "}, b"N\xc3\xb6", 'HTTP 403 ("N\u00f6")'),
        (403, {}, b"N\xc3\xb6", 'HTTP 403 ("N\u00f6")'),
        # Without text, the media type is the best description.
        (200, {"content-type": "text/html; charset=utf-8"}, b"<p></p>",
         "HTTP 200 (a body without text (text/html))"),
        (404, {}, b"<p>\n</p>", "HTTP 404 (a body without text)"),
        # JSON is one line. An ID alone says less than the body.
        (404, {}, b'{"error":"no route matched","request_id":"kong-1"}',
         'HTTP 404 ("{"error":"no route matched","request_id":"kong-1"}")'),
        (403, {}, b'{\n  "Message": "User is not authorized"\n}\n',
         'HTTP 403 ("{ "Message": "User is not authorized" }")'),
        (404, {}, b'{"id":"77aa","error":"no route"}', 'HTTP 404 ("{"id":"77aa","error":"no route"}")'),
        (404, {}, b'\xef\xbb\xbf [\n"no route"\n]', 'HTTP 404 ("[ "no route" ]")'),
        (404, {}, b'{"error":"\\u0061 \\/ \\"b\\" \\\\u0063"}', 'HTTP 404 ("{"error":"a / "b" \\u0063"}")'),
        (404, {}, b'{"error":"<title>Not found</title>"}',
         'HTTP 404 ("{"error":"<title>Not found</title>"}")'),
        (404, {}, b'{"code":5,"message":"m","error":"x"}', 'HTTP 404 "m"'),
        (403, {}, b"\xef\xbb\xbfNo", 'HTTP 403 ("No")'),
        (403, {}, b"No\xef\xbb\xbf", 'HTTP 403 ("No\\ufeff")'),
        # What follows the first 16 KiB of a page is not read, nor a word that may be half a token.
        (404, {}, b"last word".rjust(1 << 14, b"\n"), 'HTTP 404 ("last word")'),
        (404, {}, b"last word".rjust((1 << 14) + 1, b"\n"), 'HTTP 404 ("last")'),
        (404, {}, b"last\nw".rjust(1 << 14, b"\n") + b"ord", 'HTTP 404 ("last")'),
        (404, {}, b"half".rjust(1 << 14, b"\n") + b"token", "HTTP 404 (a body without text)"),
        # Every part has its own limit.
        (403, {"server": LONG}, b"", f"HTTP 403 from {'x' * 37}..."),
        (403, {}, LONG.encode(), f'HTTP 403 ("{"x" * 117}...")'),
        (403, {"content-encoding": LONG}, b"\xfd",
         f"HTTP 403 (a body encoded as {'x' * 37}..., which cannot be read)"),
        (200, {"content-type": LONG}, b"<p>", f"HTTP 200 (a body without text ({'x' * 37}...))"),
        (404, {}, b'{"a": "' + LONG.encode() + b'"}', f'HTTP 404 ("{{"a": "{"x" * 110}...")'),
        (302, {"location": LONG}, b"", f"HTTP 302 to {'x' * 297}..."),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)  # fmt: skip
def test_the_parts_of_a_quotation(status: int, headers: dict[str, str], body: bytes, expected: str) -> None:
    """The quotation names what can be read, each part with its own limit."""
    assert quote(Answer(status, headers, body)) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (json.dumps(import_body(status=" ")).encode(), "HTTP 200 (an import without a status)"),
        (
            json.dumps(import_body(status=True)).encode(),
            "HTTP 200 (an import whose fields are missing or unreadable)",
        ),
        (b'{"code": "c", "message": "m"}' + b" " * BODY_LIMIT, "HTTP 200 (a body of more than 1 MiB)"),
    ],
    ids=["no status", "unreadable", "large"],
)
def test_the_reason_why_a_body_is_no_import(body: bytes, expected: str) -> None:
    """A fault says why the body is not taken for the import."""
    reply = decode(REF, Answer(200, {}, body))
    assert isinstance(reply, Fault)
    assert reply.detail == f"the server responded with {expected}"


def test_a_body_of_the_largest_size_is_read() -> None:
    """Exactly 1 MiB is read; one byte more is not."""
    body = json.dumps(import_body(status="complete")).encode()
    padded = body + b" " * (BODY_LIMIT - len(body))
    assert decode(REF, Answer(200, {}, padded)) == decode(REF, Answer(200, {}, body))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ApiError(404), "HTTP 404"),
        (ApiError(404, "not_found"), "HTTP 404 not_found"),
        (ApiError(404, None, "m"), 'HTTP 404 "m"'),
        (ApiError(404, None, None, "7f"), "HTTP 404 (id 7f)"),
    ],
    ids=["status", "code", "message", "id"],
)
def test_an_error_has_only_the_parts_that_were_sent(error: ApiError, expected: str) -> None:
    """An error is quoted without words for missing parts."""
    assert str(error) == expected
