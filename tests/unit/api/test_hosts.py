"""Tests of base URIs, origins and loopback addresses."""

from __future__ import annotations

import pytest

from watcher.api.hosts import is_loopback, origin_of, parse_base_uri
from watcher.core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "base_uri"),
    [
        ("https://app.launchdarkly.com", "https://app.launchdarkly.com"),
        (" app.eu.launchdarkly.com/\n", "https://app.eu.launchdarkly.com"),
        ("HTTPS://Gateway.Example.:443/", "https://gateway.example"),
        ("https://gateway.example:8443", "https://gateway.example:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:80", "http://[::1]"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_a_base_uri_is_reduced_to_its_origin(text: str, base_uri: str) -> None:
    """A missing scheme means https; case, default ports and trailing slashes and dots make no difference."""
    assert parse_base_uri(text, "base_uri") == base_uri


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" ", "is empty. Leave it out"),
        ("api-0f2b6a1e-1111-2222-3333-0123456789ab", "looks like an access token"),
        ("ftp://gateway.example", "must be a URL .*, not 'ftp://gateway.example'"),
        ("exa mple.com", "must be a URL .*, not 'https://exa mple.com'"),
        ("https://gateway.example:99999", "must be a URL"),
        ("https://[::1", "must be a URL"),
        ("https://10.0.0.256", r"must be a URL .*, not 'https://10\.0\.0\.256'"),
        ("https://127.1", "must be a URL"),
        ("https://10000:8080", "must be a URL"),
        ("https://[1::2::3]", "must be a URL"),
        ("https://", "must be a URL"),
        ("https://somebody:secret-word@gateway.example", "must not contain a user name or password"),
        (
            "ftp://somebody:secret-word@gateway.example",
            r"must be a URL such as https://app\.launchdarkly\.com$",
        ),
        ("https://gateway.example/path", "must be a scheme and host alone"),
        ("https://gateway.example?x=1", "must be a scheme and host alone"),
        ("https://gateway.example#x", "must be a scheme and host alone"),
        ("http://192.0.2.1", "must use https. Plain http would expose the access token"),
    ],
)
def test_a_bad_base_uri_is_rejected(text: str, words: str) -> None:
    """The message begins with the name of the setting and shows neither a token nor a password."""
    with pytest.raises(UsageError, match=rf"^LD_BASE_URI {words}") as caught:
        parse_base_uri(text, "LD_BASE_URI")
    assert "secret-word" not in str(caught.value)
    assert "0f2b6a1e" not in str(caught.value)


def test_the_path_of_a_url_is_not_part_of_its_origin() -> None:
    """An origin is scheme, host and port; the error message shows the example of the caller."""
    assert origin_of("https://gateway.example/a/b?c#d", "target") == "https://gateway.example"
    with pytest.raises(UsageError, match=r"^target must be a URL such as https://x\.example/y, not 'x'"):
        origin_of("x", "target", "https://x.example/y")


@pytest.mark.parametrize(
    ("origin", "loopback"),
    [
        ("http://localhost:8080", True),
        ("http://127.0.0.1", True),
        ("http://127.9.9.9", True),
        ("https://[::1]:8443", True),
        ("http://localhost.example", False),
        ("http://192.0.2.1", False),
        ("https://app.launchdarkly.com", False),
    ],
)
def test_loopback_addresses(origin: str, loopback: bool) -> None:
    """Only `localhost` and loopback addresses are on this machine."""
    assert is_loopback(origin) is loopback
