"""The HTTP proxy that the environment configures, with the semantics of curl."""

from __future__ import annotations

import base64
import ipaddress
import os
import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from watcher.api.hosts import is_loopback, split_origin
from watcher.core.errors import UsageError
from watcher.core.text import printable, redact

_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_SCHEMES = {"http", "https"}


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy.

    Attributes:
        url: Its URL without user name and password.
        headers: Header fields for it, which may contain them.
        variable: The environment variable that configures it.
        secrets: Texts that must not be shown.
    """

    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    variable: str = "HTTPS_PROXY"
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        """Return the proxy as messages name it."""
        return f"the proxy {self.url} (from {self.variable})"

    def conceal(self, text: str) -> str:
        """Return text from the proxy without the password."""
        credentials = (value.rpartition(" ")[2] for value in self.headers.values())
        return redact(text, (*self.secrets, *credentials))


@dataclass(frozen=True, slots=True)
class Route:
    """The host of the API, the proxy, and the settings of trusted ``roots``, as messages name them."""

    base_uri: str
    proxy: Proxy | None = None
    roots: str = "SSL_CERT_FILE"

    @property
    def is_https(self) -> bool:
        """Whether the API is reached over TLS."""
        return self.base_uri.startswith("https:")

    @property
    def host(self) -> str:
        """The API's host, with its port unless that is the default."""
        return printable(self.base_uri.partition("://")[2])

    @property
    def first_hop(self) -> str:
        """The host that the connection is made to: the API, or the proxy for it."""
        return self.host if self.proxy is None else f"{self.proxy} for {self.host}"

    def __str__(self) -> str:
        """Return the host and the proxy."""
        return self.host if self.proxy is None else f"{self.host} through {self.proxy}"


def find_proxy(base_uri: str) -> Proxy | None:
    """Return the proxy that ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` configure for a base URI.

    Each name may be in lower case, which has precedence. There is no proxy for http and loopback addresses.

    Raises:
        UsageError: The value is not an HTTP proxy.
    """
    origin = urlsplit(base_uri)
    if origin.scheme != "https" or is_loopback(base_uri):
        return None
    variable = next((name for name in _VARIABLES if os.environ.get(name)), None)
    if variable is None or _is_exempt(origin.hostname or ""):
        return None
    return _parse_proxy(os.environ[variable].strip(), variable)


def _parse_proxy(text: str, variable: str) -> Proxy:
    scheme, separator, _ = text.partition("://")
    if separator and scheme.lower() not in _SCHEMES and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        raise UsageError(
            f"{variable} must be an http or https URL such as http://proxy.example.com:3128. "
            f"A {printable(scheme, 20)} proxy is not supported."
        )
    split = split_origin(text if separator else f"http://{text}")
    if split is None:  # the value is not quoted, because it may contain a password
        raise UsageError(f"{variable} must be an http or https URL such as http://proxy.example.com:3128")
    url, parts = split
    if parts.username is None:
        return Proxy(url, variable=variable)
    password = unquote(parts.password or "")
    basic = base64.b64encode(f"{unquote(parts.username)}:{password}".encode()).decode("ascii")
    secrets = tuple(secret for secret in (password, parts.password) if secret)
    return Proxy(url, {"Proxy-Authorization": f"Basic {basic}"}, variable, secrets)


def _is_exempt(host: str) -> bool:
    """Return whether ``NO_PROXY`` names a host, its domain, or a network that contains its address."""
    text = (os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")).strip()
    if text == "*":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        labels = f".{host.rstrip('.')}"
        domains = (pattern.lower().removesuffix(".").removeprefix(".") for pattern in _patterns(text))
        return any(domain and labels.endswith(f".{domain}") for domain in domains)
    return any(_contains(pattern, address) for pattern in _patterns(text))


def _patterns(text: str) -> list[str]:
    return re.split(r"[,\s]+", text)


def _contains(pattern: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return address in ipaddress.ip_network(pattern.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return False
