"""Hosts of the API: base URIs, origins and loopback addresses."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from watcher.core.errors import UsageError
from watcher.core.text import printable, redact

DEFAULT_BASE_URI = "https://app.launchdarkly.com"
LAUNCHDARKLY_ORIGINS = {DEFAULT_BASE_URI, "https://app.eu.launchdarkly.com", "https://app.launchdarkly.us"}
"""LaunchDarkly's own hosts: default, EU and federal."""

_DEFAULT_PORTS = {"http": 80, "https": 443}

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*|[0-9a-f:.]*:[0-9a-f:.]*")
"""A host name (RFC 1123, section 2.1) in lower case, or an IPv6 address."""

_NUMERIC = re.compile(r"[0-9.]+|.*:.*")
"""A host that can only be an address."""


def origin_of(url: str, source: str, example: str = DEFAULT_BASE_URI) -> str:
    """Return the origin of a URL (RFC 6454, section 4): in lower case, without a default port.

    Raises:
        UsageError: It is not an http or https URL, or contains a user name or password. The message names
            ``source``, the setting that contains the URL, and ``example``, a valid value.
    """
    split = split_origin(url)
    if split is None:
        rejected = "" if "@" in url else f", not '{printable(url)}'"  # it may contain a password
        raise UsageError(f"{source} must be a URL such as {example}{rejected}")
    origin, parts = split
    if parts.username is not None:
        raise UsageError(f"{source} must not contain a user name or password. Write {example}.")
    return origin


def parse_base_uri(text: str, source: str) -> str:
    """Return the origin of a base URI, whose default scheme is https; the access token will be sent there.

    Raises:
        UsageError: It is not an origin, or it is plain http and not a loopback address. The message names
            ``source``, the setting that contains it.
    """
    text = text.strip()
    if not text:
        raise UsageError(f"{source} is empty. Leave it out, or set it to a URL such as {DEFAULT_BASE_URI}.")
    if redact(text) != text:
        raise UsageError(f"{source} looks like an access token. Set it to a URL such as {DEFAULT_BASE_URI}.")
    url = text if "://" in text else f"https://{text}"
    origin = origin_of(url, source)
    parts = urlsplit(url)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise UsageError(f"{source} must be a scheme and host alone, such as {DEFAULT_BASE_URI}")
    if origin.startswith("http:") and not is_loopback(origin):
        raise UsageError(
            f"{source} must use https. Plain http would expose the access token and is allowed only for "
            "loopback addresses."
        )
    return origin


def is_loopback(origin: str) -> bool:
    """Return whether the host of an origin is ``localhost`` or a loopback address."""
    host = urlsplit(origin).hostname or ""
    return host == "localhost" or is_loopback_address(host)


def is_loopback_address(host: str) -> bool:
    """Return whether a host is a loopback address; an IPv6 address may have a zone."""
    address = _address_of(host.partition("%")[0])
    return address is not None and address.is_loopback


def split_origin(url: str) -> tuple[str, SplitResult] | None:
    """Return the origin and the parts of a valid http or https URL, else None."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # for example, the port is too large
        return None
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in _DEFAULT_PORTS or not _HOST.fullmatch(host):
        return None
    if _NUMERIC.fullmatch(host) and _address_of(host) is None:  # such as 10.0.0.256
        return None
    shown_host = f"[{host}]" if ":" in host else host
    shown_port = "" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{shown_host}{shown_port}", parts


def _address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
