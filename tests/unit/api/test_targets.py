"""Targets in all their forms, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.api.targets import Target, parse_target, target_of
from watcher.cli.target_lists import parse_listing
from watcher.core.errors import UsageError
from watcher.core.model import ImportRef

REF = ImportRef("default", "production", "big-spenders", "1234a567")
KEYS = "default/production/big-spenders/1234a567"
PATH = "/api/v2/segments/default/production/big-spenders/imports/1234a567"
URL = f"https://app.launchdarkly.com{PATH}"


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (KEYS, Target(REF)),
        (PATH, Target(REF)),
        (URL, Target(REF, "https://app.launchdarkly.com")),
        (f"HTTPS://App.LaunchDarkly.com:443{PATH}", Target(REF, "https://app.launchdarkly.com")),
        (f"http://127.0.0.1:8080{PATH}", Target(REF, "http://127.0.0.1:8080")),
        (f"http://[::1]:8080{PATH}", Target(REF, "http://[::1]:8080")),
        ("a b/c%2Fd/ö/x", Target(ImportRef("a b", "c%2Fd", "ö", "x"))),
        ("/api/v2/segments/a%20b/c%2525/%C3%B6/imports/x", Target(ImportRef("a b", "c%25", "ö", "x"))),
    ],
)
def test_forms(text: str, target: Target) -> None:
    """Four keys are literal; paths and URLs are decoded once."""
    assert parse_target(text) == target


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a/b/c",
        "'a/b/c/d'",
        "a/b/c/d/e",
        "a//c/d",
        "a/./c/d",
        "a/../c/d",
        "a/b/c/..",
        "a/b\n/c/d",
        "a/b\x7f/c/d",
        "a/b\\x/c/d",
        "a/b/c/\udc80",
        "/api/v2/segments/a/b/c/imports/",
        "/api/v2/segments/a/b/c/imports/d/",
        "/api/v2/segments/a/b/c/imports/d?x=1",
        "/api/v2/segments/a/b/c/imports/%2e%2E",
        "/api/v2/segments/a/b%2fx/c/imports/d",
        "/api/v2/segments/a/%00/c/imports/d",
        "/api/v2/segments/a/%FF/c/imports/d",
        "/api/v2/segments/a/b/c",
        "/api/v2/segments/a/b/c/exports/d",
        "/other/api/v2/segments/a/b/c/imports/d",
        f"{URL}?x=1",
        f"{URL}\t",
        f"https://app.launchdarkly.com{PATH[:-3]}\n{PATH[-3:]}",
        f"{URL}#x",
        f"https://user:secret@app.launchdarkly.com{PATH}",
        f"ftp://app.launchdarkly.com{PATH}",
        f"https://app.launchdarkly.com:99999{PATH}",
        f"https://[::1{PATH}",
        f"https://{PATH}",
    ],
)
def test_refusals(text: str) -> None:
    """What names no import, or would lead elsewhere, is refused in one printable sentence."""
    with pytest.raises(UsageError) as caught:
        parse_target(text)
    assert str(caught.value).isprintable()
    assert "secret" not in str(caught.value)


@given(st.text())
def test_any_text_is_a_target_or_refused(text: str) -> None:
    """No text gets past as anything else, and no key that was let through changes the path."""
    try:
        target = parse_target(text)
    except UsageError:
        return
    assert target.ref.path.count("/") == 8
    assert not {"", ".", ".."} & set(target.ref.path.split("/")[1:])


def test_a_reference_names_itself() -> None:
    """What a program gives is taken as a reference or as text."""
    assert target_of(REF) == target_of(KEYS) == Target(REF)
    assert target_of(URL) == Target(REF, "https://app.launchdarkly.com")


@pytest.mark.parametrize(
    ("named", "words"),
    [
        (ImportRef("..", "b", "c", "d"), r"project key is '\.\.', which would change the path"),
        (ImportRef("a", "b", "c", ""), "import ID is empty"),
        (ImportRef("a/b", "c", "d", "e"), "project key has a slash"),
        (ImportRef("a", "\n", "c", "d"), "environment key has a control character"),
        (ImportRef("a", "b", 3, "d"), "segment key is no text but int"),  # type: ignore[arg-type]  # wrong on purpose
        (ImportRef("a", "b", "c", None), "import ID is no text but NoneType"),  # type: ignore[arg-type]  # likewise
        (b"a/b/c/d", "not by bytes"),
        (("a", "b", "c", "d"), "not by tuple"),
        (None, "not by NoneType"),
    ],
)
def test_a_reference_that_leads_elsewhere(named: object, words: str) -> None:
    """A reference is held to the rule of all targets: no key of it may change the path."""
    with pytest.raises(UsageError, match=words) as caught:
        target_of(named)
    assert str(caught.value).isprintable()


keys = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"], exclude_characters="/\\"), min_size=1
)


@given(st.tuples(keys, keys, keys, keys).filter(lambda four: not {".", ".."} & set(four)))
def test_a_path_leads_back_to_its_keys(four: tuple[str, str, str, str]) -> None:
    """Encoding as a path and decoding it again gives the same import."""
    assert parse_target(ImportRef(*four).path).ref == ImportRef(*four)


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
def test_listings(text: str) -> None:
    """Headers of curl and plain lists both name the import."""
    assert {target.ref for target in parse_listing(text, "standard input")} == {REF}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("\n# nothing\n", "names no import"),
        ("HTTP/2 409 \r\ncontent-type: application/json\r\n\r\n", "another import of this environment"),
        ("HTTP/2 409 \r\n\r\nLocation: " + PATH, "'HTTP/2 409'"),
        ("HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\n\r\n", "302 Found"),
        ("HTTP/2 204\r\nLocation: /elsewhere\r\n\r\n", "Location field"),
        (f"{KEYS}\nnonsense\n", "line 2"),
        (f"{KEYS} # the first\n", "line 1: '"),
        (f"{KEYS}\t# the first\n", "a comment needs a line of its own"),
        ('{"id": "1234a567"}', "holds the body of an answer"),
    ],
)
def test_listings_without_an_import(text: str, words: str) -> None:
    """What is missing is said with the answer's own status line, or the line's number."""
    with pytest.raises(UsageError) as caught:
        parse_listing(text, "standard input")
    assert words in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("body", ['{"code": "invalid_request"}', " <html>\n<p>no</p>", "\ufeff{}"])
def test_a_body_in_place_of_headers_is_recognized(body: str) -> None:
    """Whoever pipes curl's output without -D is told so, and sees what the API said."""
    with pytest.raises(UsageError, match=r"standard input holds the body of an answer .* curl -sS -D -"):
        parse_listing(body, "standard input")
