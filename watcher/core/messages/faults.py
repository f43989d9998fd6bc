"""Messages about faults: why a request brought nothing usable. Each fits after a colon."""

from __future__ import annotations

from watcher.core.text import duration

NOT_HTTP = "the response is not HTTP"
CLOSED_BEFORE_RESPONSE = "the connection was closed before the response"
CLOSED_WITHIN_RESPONSE = "the connection was closed within the response"
REQUEST_FAILED = "the request failed"
NO_RESPONSE_BEFORE_END = "no response before the end of the wait"
INCOMPLETE_IN_TIME = "the response was not complete in time"

NOT_VERIFIED = "it cannot be verified"
NAME_NOT_FOUND = "its name cannot be looked up"
CLOSED_DURING_TLS = "it was closed during the TLS handshake"
UNKNOWN_REASON = "unknown reason"


def unknown_host(host: str) -> str:
    """Return the message for a host name that does not exist."""
    return f"there is no host named {host}"


def lookup_failed(host: str, reason: str | None = None) -> str:
    """Return the message for a name lookup that failed; without a reason, it failed only temporarily."""
    return f"name lookup of {host} failed{' temporarily' if reason is None else f': {reason}'}"


def untrusted_certificate(reason: str) -> str:
    """Return the message for a certificate that cannot be verified."""
    return f"the server's certificate is not trusted: {reason}"


def no_tls(address: str) -> str:
    """Return the message for a failed TLS handshake."""
    return f"TLS handshake with {address} failed"


def proxy_unreachable(reason: str) -> str:
    """Return the message for a proxy that accepts no connection."""
    return f"no connection to the proxy: {reason}"


def no_connection(address: str, reason: str) -> str:
    """Return the message for a failed connection."""
    return f"no connection to {address}: {reason}"


def proxy_answered(status: int) -> str:
    """Return the message for a proxy's own HTTP error."""
    return f"the proxy responded with HTTP {status}"


def connection_broke(reason: str) -> str:
    """Return the message for an established connection that failed."""
    return f"the connection broke: {reason}"


def response_timeout(within: float) -> str:
    """Return the message for a request that took longer than ``within`` seconds."""
    return f"no complete response within {duration(within)}"


def redirect(error: str, location: str | None) -> str:
    """Return the message for a redirect; ``error`` quotes the response."""
    return f"{error} to {location}" if location else f"{error} without a Location"


def wrong_import(field: str, expected: str, actual: str) -> str:
    """Return the message for an import with another value in an identifying field."""
    return f'"{field}" is "{actual}", not "{expected}"'


def new_token(error: str) -> str:
    """Return the message for a rejected token that was replaced meanwhile; ``error`` quotes the response."""
    return f"{error}; the token file contains a new token"
