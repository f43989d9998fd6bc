"""The HTTP proxy that the environment configures."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from watcher.api.hosts import is_loopback
from watcher.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy.

    Attributes:
        url: Its URL without user name and password.
        headers: Header fields for the proxy itself; they may contain its password.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def find_proxy(base_uri: str) -> Proxy | None:
    """Return the proxy that ``HTTPS_PROXY`` and ``NO_PROXY`` configure for a base URI.

    Args:
        base_uri: The origin of the API.

    Returns:
        The proxy; None if none is set, and always for http and loopback addresses.

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
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        raise _no_proxy() from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise _no_proxy()
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    url = f"{parts.scheme}://{host}{port}"
    if parts.username is None:
        return Proxy(url)
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    basic = base64.b64encode(credentials.encode()).decode("ascii")
    return Proxy(url, MappingProxyType({"Proxy-Authorization": f"Basic {basic}"}))


def _no_proxy() -> UsageError:
    """Return the error for a bad value, which may contain a password and is not quoted."""
    return UsageError("HTTPS_PROXY must be an http or https URL such as http://proxy.example.com:3128")
