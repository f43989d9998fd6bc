"""The HTTP proxy that the environment configures."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from watcher.api.hosts import is_loopback, split_origin
from watcher.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy: its URL without user name and password, and header fields that may contain them."""

    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)


def find_proxy(base_uri: str) -> Proxy | None:
    """Return the proxy that ``HTTPS_PROXY`` and ``NO_PROXY`` configure for a base URI.

    There is never one for http and loopback addresses.

    Raises:
        UsageError: ``HTTPS_PROXY`` is not an HTTP proxy.
    """
    from urllib.request import getproxies_environment, proxy_bypass  # noqa: PLC0415 (slow, and help needs none)

    origin = urlsplit(base_uri)
    if origin.scheme != "https" or is_loopback(base_uri):
        return None
    text = getproxies_environment().get("https", "")
    if not text or proxy_bypass(origin.netloc):
        return None
    split = split_origin(text if "://" in text else f"http://{text}")
    if split is None:  # the value is not quoted, because it may contain a password
        raise UsageError("HTTPS_PROXY must be an http or https URL such as http://proxy.example.com:3128")
    url, parts = split
    if parts.username is None:
        return Proxy(url)
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    basic = base64.b64encode(credentials.encode()).decode("ascii")
    return Proxy(url, {"Proxy-Authorization": f"Basic {basic}"})
