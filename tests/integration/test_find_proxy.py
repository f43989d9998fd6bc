"""Which proxy the environment names for a base URI."""

from __future__ import annotations

import pytest

from watcher.api.network import Proxy, find_proxy
from watcher.core.errors import UsageError


class TestFindProxy:
    """What `HTTPS_PROXY` and `NO_PROXY` mean."""

    @pytest.fixture(autouse=True)
    def _bare_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("https_proxy", "http_proxy", "all_proxy", "no_proxy", "REQUEST_METHOD"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)

    @pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
    @pytest.mark.parametrize(
        ("value", "url"),
        [
            ("http://proxy.test:3128", "http://proxy.test:3128"),
            ("https://proxy.test", "https://proxy.test"),
            ("proxy.test:3128", "http://proxy.test:3128"),
            ("http://[::1]:3128/", "http://[::1]:3128"),
        ],
    )
    def test_found(self, monkeypatch: pytest.MonkeyPatch, name: str, value: str, url: str) -> None:
        """Either case of the variable counts, with and without a scheme."""
        monkeypatch.setenv(name, value)
        assert find_proxy("https://app.launchdarkly.com") == Proxy(url)

    def test_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without the variable there is no proxy, and those for other schemes do not count."""
        monkeypatch.setenv("HTTP_PROXY", "http://proxy.test:3128")
        monkeypatch.setenv("HTTPS_PROXY", "")
        assert find_proxy("https://app.launchdarkly.com") is None

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
    def test_never_for_loopback_or_http(self, monkeypatch: pytest.MonkeyPatch, base_uri: str) -> None:
        """Plain http and loopback use no proxy."""
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
        monkeypatch.setenv("HTTP_PROXY", "http://proxy.test:3128")
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
        ],
    )
    def test_no_proxy(self, monkeypatch: pytest.MonkeyPatch, exceptions: str, used: bool) -> None:  # noqa: FBT001 (a column of the table)
        """`NO_PROXY` lists hosts and domains that are asked directly."""
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
        monkeypatch.setenv("NO_PROXY", exceptions)
        assert (find_proxy("https://app.launchdarkly.com") is not None) is used

    def test_password(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """User name and password are decoded and kept out of what may be shown."""
        monkeypatch.setenv("HTTPS_PROXY", "http://somebody:p%40ss@proxy.test:3128")
        proxy = find_proxy("https://app.launchdarkly.com")
        assert proxy is not None
        assert proxy.url == "http://proxy.test:3128"
        assert proxy.headers == {"Proxy-Authorization": "Basic c29tZWJvZHk6cEBzcw=="}
        assert repr(proxy) == "Proxy(url='http://proxy.test:3128')"

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
    def test_refused(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        """What is no HTTP proxy is a usage error that shows no password."""
        monkeypatch.setenv("HTTPS_PROXY", value)
        with pytest.raises(UsageError, match="HTTPS_PROXY") as caught:
            find_proxy("https://app.launchdarkly.com")
        assert "secret-word" not in str(caught.value)
        assert "write for example" in str(caught.value)
