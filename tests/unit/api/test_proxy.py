"""Tests of the proxy that the environment configures."""

from __future__ import annotations

import pytest

from watcher.api.proxy import Proxy, Route, find_proxy
from watcher.core.errors import UsageError

BASE_URI = "https://app.launchdarkly.com"
PROXY = "http://proxy.test:3128"


@pytest.fixture(autouse=True)
def _no_proxy_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "http_proxy", "all_proxy", "no_proxy", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize(
    ("value", "url"),
    [
        (PROXY, PROXY),
        ("https://proxy.test", "https://proxy.test"),
        ("proxy.test:3128", PROXY),
        ("http://[::1]:3128/", "http://[::1]:3128"),
    ],
)
def test_https_proxy_is_used(monkeypatch: pytest.MonkeyPatch, name: str, value: str, url: str) -> None:
    """The variable works in upper and lower case, with and without a scheme."""
    monkeypatch.setenv(name, value)
    assert find_proxy(BASE_URI) == Proxy(url, variable=name)


def test_the_first_variable_that_is_not_empty_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for curl, lower case has precedence, `ALL_PROXY` comes last, and an empty variable is not set."""
    monkeypatch.setenv("ALL_PROXY", "http://all.test")
    monkeypatch.setenv("HTTPS_PROXY", "")
    assert find_proxy(BASE_URI) == Proxy("http://all.test", variable="ALL_PROXY")
    monkeypatch.setenv("HTTPS_PROXY", "http://upper.test")
    assert find_proxy(BASE_URI) == Proxy("http://upper.test", variable="HTTPS_PROXY")
    monkeypatch.setenv("https_proxy", "http://lower.test")
    assert find_proxy(BASE_URI) == Proxy("http://lower.test", variable="https_proxy")


def test_no_proxy_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a value there is no proxy, and variables for other schemes do not apply."""
    monkeypatch.setenv("HTTP_PROXY", PROXY)
    monkeypatch.setenv("HTTPS_PROXY", "")
    assert find_proxy(BASE_URI) is None


@pytest.mark.parametrize(
    "base_uri",
    [
        "http://127.0.0.1:8080",
        "http://localhost",
        "https://127.0.0.1",
        "https://[::1]",
        "https://localhost",
    ],
)
def test_loopback_and_http_use_no_proxy(monkeypatch: pytest.MonkeyPatch, base_uri: str) -> None:
    """Requests to loopback addresses and plain http bypass every proxy."""
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("HTTP_PROXY", PROXY)
    assert find_proxy(base_uri) is None


@pytest.mark.parametrize(
    ("exceptions", "used"),
    [
        ("*", False),
        ("launchdarkly.com", False),
        (".launchdarkly.com", False),
        ("other.test, app.launchdarkly.com", False),
        ("app.launchdarkly.com:443", True),
        ("darkly.com", True),
        ("other.test", True),
        ("", True),
        (" * ", False),
        ("other.test,*", True),
        ("*.launchdarkly.com", True),
        ("other.test launchdarkly.com", False),
        ("LaunchDarkly.COM.", False),
        (".", True),
        ("10.0.0.0/8", True),
    ],
)
def test_no_proxy_lists_exceptions(monkeypatch: pytest.MonkeyPatch, exceptions: str, used: bool) -> None:
    """Hosts and domains in `NO_PROXY` bypass the proxy."""
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", exceptions)
    assert (find_proxy(BASE_URI) is not None) is used


@pytest.mark.parametrize(
    ("base_uri", "exceptions", "used"),
    [
        ("https://10.1.2.3", "10.0.0.0/8", False),
        ("https://10.1.2.3:8443", "192.0.2.1,10.1.2.3", False),
        ("https://10.1.2.3", "10.1.2.0/28", False),
        ("https://10.1.2.3", "10.1.3.0/24", True),
        ("https://10.1.2.3", "10.1.2.3/99", True),
        ("https://10.1.2.3", "1.2.3", True),
        ("https://[2001:db8::1]", "2001:db8::/32", False),
        ("https://[2001:db8::1]", "[2001:db8:0:0::1]", False),
        ("https://[2001:db8::1]", "10.0.0.0/8", True),
    ],
)
def test_no_proxy_lists_networks(
    monkeypatch: pytest.MonkeyPatch,
    base_uri: str,
    exceptions: str,
    used: bool,
) -> None:
    """Addresses match equal addresses and networks in CIDR notation."""
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("no_proxy", exceptions)
    assert (find_proxy(base_uri) is not None) is used


def test_the_password_is_sent_but_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """User name and password are decoded into a header and appear neither in the URL nor in the repr."""
    monkeypatch.setenv("HTTPS_PROXY", "http://somebody:p%40ss@proxy.test:3128")
    proxy = find_proxy(BASE_URI)
    assert proxy is not None
    assert proxy.url == PROXY
    assert proxy.headers == {"Proxy-Authorization": "Basic c29tZWJvZHk6cEBzcw=="}
    assert "p@ss" not in repr(proxy) + str(proxy)
    assert proxy.conceal("p@ss, c29tZWJvZHk6cEBzcw==, p@ssword") == "***, ***, p@ssword"
    assert proxy.conceal("refused p%40ss") == "***"


def test_a_proxy_is_named_with_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name the proxy, the variable and the host behind it."""
    monkeypatch.setenv("ALL_PROXY", PROXY)
    proxy = find_proxy(BASE_URI)
    assert str(proxy) == "the proxy http://proxy.test:3128 (from ALL_PROXY)"
    assert str(Route(BASE_URI, proxy)) == f"app.launchdarkly.com through {proxy}"
    assert Route(BASE_URI, proxy).first_hop == f"{proxy} for app.launchdarkly.com"


@pytest.mark.parametrize(
    "value",
    [
        "socks5://somebody:secret-word@proxy.test:1080",
        "ftp://somebody:secret-word@proxy.test",
        "http://somebody:secret-word@",
        "http://somebody:secret-word@proxy.test:port",
        "http://somebody:secret-word@proxy.test:99999",
        "http://somebody:secret-word@[::1",
    ],
)
def test_a_bad_value_is_rejected_and_not_shown(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """A value that is not an HTTP proxy is a usage error that does not show its password."""
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(UsageError, match=r"^HTTPS_PROXY must be an http or https URL such as") as caught:
        find_proxy(BASE_URI)
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "SOCKS4a", "ftp"])
def test_another_scheme_is_rejected_by_name(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    """The message names the scheme that is not supported."""
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://proxy.test:1080")
    with pytest.raises(UsageError, match=rf"^ALL_PROXY must be .*\. A {scheme} proxy is not supported\.$"):
        find_proxy(BASE_URI)
