"""Which block of response headers names the import."""

from __future__ import annotations

import pytest

from watcher.cli.header_blocks import begins_with_headers, find_created
from watcher.cli.target_lists import parse_target_list
from watcher.core.errors import UsageError
from watcher.core.model import ImportRef

REF = ImportRef("default", "production", "big-spenders", "1234a567")
PATH = "/api/v2/segments/default/production/big-spenders/imports/1234a567"
OLD = "/api/v2/segments/default/production/big-spenders/imports/old"
CREATED = f"HTTP/2 204 \r\ndate: now\r\nlocation: {PATH}\r\nx: y\r\n\r\n"
FORGED = f"Location: {OLD}\r\n"


@pytest.mark.parametrize(
    "text",
    [
        CREATED,
        CREATED.replace("\r\n", "\n"),
        CREATED.replace("HTTP/2 204 ", "HTTP/1.0 201 Created"),
        CREATED.replace("HTTP/2", "HTTP/3"),
        CREATED.replace("location:", "LOCATION :"),
        CREATED.replace("location: ", "location:\r\n\t "),
        CREATED.replace(PATH, f"https://app.launchdarkly.com{PATH}/"),
        CREATED.replace("x: y", f"Location: {PATH}"),
        CREATED.replace("x: y", f"x: 1\x0bLocation: {OLD}"),
        CREATED.replace("x: y", f"x: 1\rLocation: {OLD}"),
        CREATED.replace("x: y", f"x: 1\r\n Location: {OLD}"),
        f"\ufeff\r\n\n{CREATED}",
        CREATED[:-1],
        f"{CREATED}HTTP/1.1 409 Conflict\r\n\r\n",
        f"{CREATED}HTTP/1.1 201 Created\r\n{FORGED}\r\n",
        f"{CREATED}{FORGED}",
        f"HTTP/1.1 100 Continue\r\n{FORGED}\r\n{CREATED}",
        f"HTTP/1.1 103 Early Hints\r\n\r\n{CREATED}",
        f"HTTP/1.1 307 Temporary Redirect\r\n{FORGED}\r\n{CREATED}",
        f"HTTP/1.1 200 Connection established\r\n{FORGED}\r\n{CREATED}",
        f"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n{CREATED}".replace("407", "302"),
    ],
)
def test_the_block_of_the_creation_names_the_import(text: str) -> None:
    """Only the first complete block with 201 or 204 counts, whatever stands around it."""
    assert [target.ref for target in parse_target_list(text, "standard input")] == [REF]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            f"HTTP/1.1 200 OK\r\n{FORGED}\r\nHTTP/2 409 \r\n\r\n",
            "the import was not created: HTTP/2 409. Another",
        ),
        (f"HTTP/1.1 200 OK\r\n{FORGED}\r\n", "the response was 'HTTP/1.1 200 OK'. Create"),
        (f"HTTP/1.1 200 OK\r\n{FORGED}\r\n<html>\r\n\r\n{CREATED}", "the response was 'HTTP/1.1 200 OK'"),
        (f"HTTP/1.1 302 Found\r\n\r\nbody\n{CREATED}", "the response was 'HTTP/1.1 302 Found'"),
        (f"HTTP/2 409 \r\n{FORGED}\r\n{CREATED}", "the import was not created: HTTP/2 409."),
        (f"HTTP/2 409 \r\n\r\n{FORGED}", "the import was not created: HTTP/2 409."),
        (
            "HTTP/1.1 400 Bad Request\r\n\r\n",
            "the import was not created: HTTP/1.1 400 Bad Request. Check the",
        ),
        (f"HTTP/1.1 407 Proxy\r\n\r\n{CREATED}", "the import was not created: HTTP/1.1 407 Proxy."),
        (f"HTTP/1.1 202 Accepted\r\n{FORGED}\r\n", "the response was 'HTTP/1.1 202 Accepted'"),
        (f"HTTP/1.1 502 Bad Gateway\r\n{FORGED}\r\n", "the response was 'HTTP/1.1 502 Bad Gateway'"),
        ("HTTP/2 204\r\nx: y\r\n\r\n", "the response was 'HTTP/2 204' without a Location field"),
        ("HTTP/2 204\r\nLocation: /elsewhere\r\n\r\n", "Location field: target is not the path of an import"),
        ("HTTP/2 204\r\nLocation: p/e/s/i\r\n\r\n", "Location field: 'p/e/s/i' is not the URL or path"),
        (CREATED.replace(PATH, f"{PATH}\x85"), "Location field: target begins or ends with an invisible"),
        (CREATED.replace("x: y", f"Location: {OLD}"), "has different Location fields in one response"),
        (CREATED[:-2], "ends within the response headers: 'HTTP/2 204'"),
        (CREATED[:-4], "ends within the response headers: 'HTTP/2 204'"),
        (f"HTTP/1.1 100 Continue\r\n\r\n{CREATED[:30]}", "ends within the response headers: 'HTTP/2 204'"),
        (f"HTTP/1.1 two hundred\r\n{FORGED}\r\n", "the response was 'HTTP/1.1 two hundred'"),
        (f"HTTP/1.1 2010 Created\r\n{FORGED}\r\n", "the response was 'HTTP/1.1 2010 Created'"),
        ("HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\n\r\n", "'HTTP/1.1 302 Found'"),
    ],
)
def test_other_blocks_forge_no_import(text: str, words: str) -> None:
    """Neither a proxy's response nor a failed creation names an import; the message has the status line."""
    with pytest.raises(UsageError) as caught:
        parse_target_list(text, "standard input")
    assert words in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("text", [CREATED, f"HTTP/1.1 100 Continue\r\n\r\n{CREATED}".replace("\r\n", "\n")])
def test_headers_that_arrive_slowly(text: str) -> None:
    """The import is named as soon as its block is complete, and no earlier; no part is an error."""
    decided = [number for number in range(6, len(text) + 1) if find_created(text[:number], "-") is not None]
    assert begins_with_headers(text[:6])
    assert decided[-1] == len(text)
    assert decided[0] >= len(text) - 1


def test_the_line_before_a_body_is_no_block() -> None:
    """The first letters of a status line that is still arriving are no body."""
    assert find_created("HTTP/1.1 200 OK\r\n\r\nHT", "-") is None
