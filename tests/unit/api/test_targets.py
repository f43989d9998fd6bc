"""Tests of the forms of targets, and of the base URI that they imply."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.api.targets import Target, choose_base_uri, parse_target, quoted, target_of
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
        (f"{KEYS}/", Target(REF)),
        (f"{PATH}/", Target(REF)),
        (f"{URL}/", Target(REF, "https://app.launchdarkly.com")),
        (PATH, Target(REF)),
        (URL, Target(REF, "https://app.launchdarkly.com")),
        (f"HTTPS://App.LaunchDarkly.com:443{PATH}", Target(REF, "https://app.launchdarkly.com")),
        (f"http://127.0.0.1:8080{PATH}", Target(REF, "http://127.0.0.1:8080")),
        (f"http://[::1]:8080{PATH}", Target(REF, "http://[::1]:8080")),
        ("a b/c%2Fd/ö/x", Target(ImportRef("a b", "c%2Fd", "ö", "x"))),
        ("/api/v2/segments/a%20b/c%2525/%C3%B6/imports/x", Target(ImportRef("a b", "c%25", "ö", "x"))),
    ],
)
def test_a_target_has_three_forms(text: str, target: Target) -> None:
    """Four keys are literal; paths and URLs are percent-decoded once."""
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
        "/api/v2/segments/a/b/c/imports/d//",
        "a/b/c/d//",
        "a/b/c/",
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
        f"{KEYS}\x85",
        f"\x1c{KEYS}",
        f"{PATH}\xa0",
        f"https://app.launchdarkly.com{PATH[:-3]}\n{PATH[-3:]}",
        f"{URL}#x",
        f"https://user:secret@app.launchdarkly.com{PATH}",
        f"ftp://app.launchdarkly.com{PATH}",
        f"https://app.launchdarkly.com:99999{PATH}",
        f"https://[::1{PATH}",
        f"https://{PATH}",
    ],
)
def test_other_text_is_rejected(text: str) -> None:
    """Text that names no import, or would change the path, is rejected with a printable message."""
    with pytest.raises(UsageError) as caught:
        parse_target(text)
    assert str(caught.value).isprintable()
    assert "secret" not in str(caught.value)


PAGE = "projects/default/segments/big-spenders/targeting?env=production"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"https://app.launchdarkly.com/{PAGE}", "is the segment's page in LaunchDarkly's web application"),
        (f"https://gateway.example/{PAGE}", "is the segment's page in LaunchDarkly's web application"),
        (f"app.launchdarkly.com/{PAGE}", "is the segment's page in LaunchDarkly's web application"),
        (f"/{PAGE}", "is the segment's page in LaunchDarkly's web application"),
        ("https://app.launchdarkly.com/default/production/segments/big-spenders", "the segment's page"),
        (
            "https://App.EU.launchdarkly.com/projects/default/flags",
            "a page in LaunchDarkly's web application",
        ),
        (f"app.launchdarkly.com{PATH}", "has no scheme"),
        ("https://app.launchdarkly.com/api/v2/segments/a/b/c", "has no import ID"),
        ("/api/v2/segments/a/b/c/imports", "has no import ID"),
        ("1234a567-bcd8-9123-4567-abcd1234567f", "is an import ID alone"),
        ("1234a567-bcd8-9123-4567-abcd1234567f/", "is an import ID alone"),
        ("65f1c2a9e4b0a1b2c3d4e5f6", "is an import ID alone"),
        (f"{KEYS}\x85", "begins or ends with an invisible character"),
        ("api-0f2b6a1e-1111-2222-3333-0123456789ab", "looks like an access token. Name the import instead"),
    ],
)
def test_common_mistakes_are_named(text: str, words: str) -> None:
    """What users paste instead of a target gets a message of its own."""
    with pytest.raises(UsageError) as caught:
        parse_target(text)
    assert words in str(caught.value)
    assert "0f2b6a1e" not in str(caught.value)


def test_a_page_is_named_before_its_host() -> None:
    """The message about the web application does not quote a password in a URL."""
    with pytest.raises(UsageError, match="must not contain a user name or password"):
        parse_target(f"https://user:secret@app.launchdarkly.com/{PAGE}")


@given(st.text())
def test_any_text_is_a_target_or_rejected(text: str) -> None:
    """No text raises another error, and no accepted key changes the path."""
    try:
        target = parse_target(text)
    except UsageError:
        return
    assert target.ref.path.count("/") == 8
    assert not {"", ".", ".."} & set(target.ref.path.split("/")[1:])


def test_a_program_names_an_import_by_reference_or_text() -> None:
    """References and all forms of text are accepted."""
    assert target_of(REF) == target_of(KEYS) == Target(REF)
    assert target_of(f" {KEYS}\r\n") == Target(REF)
    assert target_of(URL) == Target(REF, "https://app.launchdarkly.com")


@pytest.mark.parametrize(
    ("named", "words"),
    [
        (ImportRef("..", "b", "c", "d"), r"project key is '\.\.', which would change the path"),
        (ImportRef("a", "b", "c", ""), "import ID is empty"),
        (ImportRef("a/b", "c", "d", "e"), "project key has a slash"),
        (ImportRef("a", "\n", "c", "d"), "environment key has a control character"),
        (ImportRef("a", "b", "c", 4), "keys of an import must be of type str"),  # type: ignore[arg-type]  # wrong on purpose
    ],
)
def test_a_bad_reference_is_rejected(named: ImportRef, words: str) -> None:
    """The rule of all targets applies to references: no key may change the path."""
    with pytest.raises(UsageError, match=words) as caught:
        target_of(named)
    assert str(caught.value).isprintable()


keys = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"], exclude_characters="/\\"), min_size=1
)


@given(st.tuples(keys, keys, keys, keys).filter(lambda four: not {".", ".."} & set(four)))
def test_the_path_of_an_import_is_a_target(four: tuple[str, str, str, str]) -> None:
    """Encoding keys as a path and decoding it again returns the same import."""
    assert parse_target(ImportRef(*four).path).ref == ImportRef(*four)


EU = "https://app.eu.launchdarkly.com"
US = "https://app.launchdarkly.us"
GATEWAY = "https://gateway.example"


def on(*origins: str | None) -> list[Target]:
    """Return targets on these origins."""
    return [Target(REF, origin) for origin in origins]


@pytest.mark.parametrize(
    ("given", "origins", "base_uri"),
    [
        (None, (None,), "https://app.launchdarkly.com"),
        (None, (EU, None), EU),
        (US, (None,), US),
        (GATEWAY, (GATEWAY, None), GATEWAY),
    ],
)
def test_the_base_uri_is_given_or_implied(
    given: str | None, origins: tuple[str | None, ...], base_uri: str
) -> None:
    """A URL on a host of LaunchDarkly's sets the base URI if none is given."""
    assert choose_base_uri(given, on(*origins), "base_uri") == base_uri


@pytest.mark.parametrize(
    ("given", "origins", "words"),
    [
        (None, (EU, US), f"targets are on different hosts: {EU}, {US}. Watch them separately."),
        (None, (GATEWAY,), f"sent only to https://app.launchdarkly.com. If .* right, add base_uri {GATEWAY}"),
        (US, (EU,), f"sent only to {US}. If that host is right, add base_uri {EU}"),
        (None, ("http://gateway.example",), f"Plain http would expose it: write {GATEWAY}"),
        (None, ("http://127.0.0.1:8080",), "add base_uri http://127.0.0.1:8080"),
    ],
)
def test_the_token_is_sent_to_no_other_host(given: str | None, origins: tuple[str, ...], words: str) -> None:
    """A target on a host that was not configured is rejected; the message names the setting of the caller."""
    with pytest.raises(UsageError, match=words):
        choose_base_uri(given, on(*origins), "base_uri")


def test_the_source_of_the_base_uri_is_named() -> None:
    """If the base URI came from the environment, the message names the variable."""
    with pytest.raises(UsageError, match=rf"sent only to {US} \(from LD_BASE_URI\)\. .* add --base-uri {EU}"):
        choose_base_uri(US, on(EU), "--base-uri", "LD_BASE_URI")


def test_quoted_text_is_short_and_printable() -> None:
    """Text from outside is escaped and cut."""
    assert quoted("a\x1b[31m") == r"'a\u001b[31m'"
    assert len(quoted("x" * 1000)) == 202


@pytest.mark.parametrize("named", [1, None, b"a/b/c/d", ("a", "b", "c", "d")])
def test_a_target_of_another_type_is_a_usage_error(named: object) -> None:
    """A program without type checks gets a usage error for a target of the wrong type."""
    with pytest.raises(UsageError, match="an import must be an ImportRef or a str"):
        target_of(named)  # type: ignore[arg-type]  # wrong on purpose
