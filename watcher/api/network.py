"""Places in the network: the API's base URI, the proxy in between, the trusted roots, and where to listen."""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from watcher.api.token import looks_like_token
from watcher.core.errors import UsageError
from watcher.core.text import printable

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from pathlib import Path

DEFAULT_BASE_URI = "https://app.launchdarkly.com"
LAUNCHDARKLY_ORIGINS = frozenset(
    {DEFAULT_BASE_URI, "https://app.eu.launchdarkly.com", "https://app.launchdarkly.us"}
)
"""LaunchDarkly's own hosts: the default one, the EU's and the federal one."""

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*|[0-9a-f:.]*:[0-9a-f:.]*")
"""A host name (RFC 1123, 2.1) in lower case, or an IPv6 address."""

_EXAMPLE = DEFAULT_BASE_URI


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens; port 0 is any free one."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy.

    Attributes:
        url: Where it is, without a password.
        headers: What it wants to see, with the password.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def origin_of(url: str, source: str, example: str = _EXAMPLE) -> str:
    """Reduces a URL to its origin (RFC 6454, 4), in lower case and without a default port.

    Args:
        url: The URL, with a scheme.
        source: What gave it, for the message.
        example: A right one, for the message.

    Returns:
        Such as ``https://app.launchdarkly.com``.

    Raises:
        UsageError: It is no http or https URL, or has a user name or password.
    """
    parts, port = _split(url, source, example)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").rstrip(".")
    if scheme not in {"http", "https"} or not _HOST.fullmatch(host):
        raise UsageError(f"{source}: {_shown(url)} is no web address; write for example {example}")
    if parts.username is not None or parts.password is not None:
        raise UsageError(f"{source} must not hold a user name or password; write for example {example}")
    shown = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[scheme]
    return f"{scheme}://{shown}" + ("" if port in {None, default} else f":{port}")


def parse_base_uri(text: str, source: str) -> str:
    """Checks a base URI, to which the token will be sent.

    Args:
        text: The base URI; without a scheme it means https.
        source: What gave it, for the message.

    Returns:
        Its origin.

    Raises:
        UsageError: It is no origin, or plain http to another host than this one.
    """
    text = text.strip()
    if not text:
        raise UsageError(f"{source} is empty; leave it out, or write for example {_EXAMPLE}")
    if looks_like_token(text):
        raise UsageError(f"{source} looks like an access token; it should be such as {_EXAMPLE}")
    url = text if "://" in text else f"https://{text}"
    origin = origin_of(url, source)
    parts = urlsplit(url)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise UsageError(f"{source} must be a scheme and host alone; write for example {_EXAMPLE}")
    if origin.startswith("http:") and not is_loopback(origin):
        raise UsageError(
            f"{source}: plain http would show the access token to the network, and is for loopback addresses "
            f"only; write for example {_EXAMPLE}"
        )
    return origin


def is_loopback(origin: str) -> bool:
    """Tells whether an origin is on this machine.

    Args:
        origin: Scheme and host.

    Returns:
        True for ``localhost`` and loopback addresses.
    """
    host = urlsplit(origin).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def find_proxy(base_uri: str) -> Proxy | None:
    """Finds the proxy for a base URI in ``HTTPS_PROXY`` and ``NO_PROXY``.

    Args:
        base_uri: The origin that is asked.

    Returns:
        The proxy; None for http, for loopback, and where none is set.

    Raises:
        UsageError: ``HTTPS_PROXY`` is no HTTP proxy.
    """
    from urllib.request import getproxies_environment, proxy_bypass  # noqa: PLC0415 (slow, and help needs none)

    parts = urlsplit(base_uri)
    if parts.scheme != "https" or is_loopback(base_uri):
        return None
    text = getproxies_environment().get("https", "")
    if not text or proxy_bypass(parts.netloc):
        return None
    url = text if "://" in text else f"http://{text}"
    example = "HTTPS_PROXY=http://proxy.example.com:3128"
    try:
        proxy = urlsplit(url)
        port = proxy.port
    except ValueError:
        raise UsageError(f"HTTPS_PROXY is no web address; write for example {example}") from None
    if proxy.scheme not in {"http", "https"} or not proxy.hostname:
        raise UsageError(f"HTTPS_PROXY must name an http or https proxy; write for example {example}")
    host = f"[{proxy.hostname}]" if ":" in proxy.hostname else proxy.hostname
    address = f"{proxy.scheme}://{host}" + ("" if port is None else f":{port}")
    if proxy.username is None:
        return Proxy(address)
    password = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    basic = base64.b64encode(password.encode()).decode("ascii")
    return Proxy(address, MappingProxyType({"Proxy-Authorization": f"Basic {basic}"}))


def tls_context(ca_file: Path | None) -> ssl.SSLContext | None:
    """Prepares the trusted roots; ``SSL_CERT_FILE`` is honoured by OpenSSL itself.

    Args:
        ca_file: Further roots, as PEM.

    Returns:
        A context that trusts the system's roots and these; None where the system's are all.

    Raises:
        UsageError: The file cannot be read, or holds no certificate.
    """
    if ca_file is None:
        return None
    import ssl  # noqa: PLC0415 (slow, and help needs none)

    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cafile=ca_file)
    except ssl.SSLError:
        raise UsageError(f"--ca-file {ca_file} holds no certificate in PEM form; convert it") from None
    except OSError as error:
        raise UsageError(
            f"--ca-file {ca_file} cannot be read: {error.strerror}; name a file of certificates in PEM form"
        ) from None
    return context


def _split(url: str, source: str, example: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UsageError(f"{source}: {_shown(url)} is no web address; write for example {example}") from None
    return parts, port


def _shown(url: str) -> str:
    return "what is given" if "@" in url else f"'{printable(url)}'"  # it may hold a password
