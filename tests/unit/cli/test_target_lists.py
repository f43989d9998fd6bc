"""Tests of lists of targets: plain lists and response headers."""

from __future__ import annotations

import pytest

from watcher.cli.target_lists import parse_target_list
from watcher.core.errors import UsageError
from watcher.core.model import ImportRef

REF = ImportRef("default", "production", "big-spenders", "1234a567")
KEYS = "default/production/big-spenders/1234a567"
PATH = "/api/v2/segments/default/production/big-spenders/imports/1234a567"
URL = f"https://app.launchdarkly.com{PATH}"

CURL = f"HTTP/1.1 100 Continue\r\n\r\nHTTP/2 204 \r\ndate: now\r\nlocation: {URL}\r\nx: y\r\n\r\n"


@pytest.mark.parametrize(
    "text",
    [
        CURL,
        CURL.replace("\r\n", "\n"),
        CURL.replace("location:", "LOCATION :"),
        CURL.replace(URL, PATH),
        f"HTTP/1.1 307 Temporary Redirect\r\nLocation: https://x.example/imports\r\n\r\n{CURL}",
        f"{CURL}Location: /not/a/header/but/the/body\r\n",
        CURL.replace("x: y", "x: 1\x0bLocation: p/e/s/evil"),
        f"# imports of tonight\n\n  {KEYS}  \n",
        f"Location: {PATH}\n",
        f"\ufeff{KEYS}\n{KEYS}\r\n",
    ],
)
def test_lists_and_headers_name_imports(text: str) -> None:
    """Response headers as curl writes them and plain lists are both accepted."""
    assert {target.ref for target in parse_target_list(text, "standard input")} == {REF}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("\n# nothing\n", "names no import"),
        (
            "HTTP/2 409 \r\ncontent-type: application/json\r\n\r\n",
            "the import was not created: HTTP/2 409. Another import of this environment is running",
        ),
        (
            "HTTP/1.1 400 Bad Request\r\n\r\n",
            "the import was not created: HTTP/1.1 400 Bad Request. Check the request",
        ),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "names no import: the response was 'HTTP/1.1 502 Bad Gateway'"),
        ("HTTP/2 409 \r\n\r\nLocation: " + PATH, "not created: HTTP/2 409. "),
        ("HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\n\r\n", "302 Found"),
        ("HTTP/2 204\r\nLocation: /elsewhere\r\n\r\n", "Location field"),
        (f"{KEYS}\nnonsense\n", "line 2"),
        (f"{KEYS} # the first\n", "line 1: '"),
        (f"{KEYS}\t# the first\n", "Put the comment on its own line"),
        ('{"id": "1234a567"}', "contains a response body"),
    ],
)
def test_a_list_without_an_import_is_rejected(text: str, words: str) -> None:
    """The message quotes the status line of the response, or the number of the bad line."""
    with pytest.raises(UsageError) as caught:
        parse_target_list(text, "standard input")
    assert words in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("body", ['{"code": "invalid_request"}', " <html>\n<p>no</p>", "\ufeff{}"])
def test_a_body_instead_of_headers_is_recognized(body: str) -> None:
    """If curl ran without -D, the message says so and quotes the body."""
    with pytest.raises(UsageError, match=r"standard input contains a response body .* curl -sS -D -"):
        parse_target_list(body, "standard input")
