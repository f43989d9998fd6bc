"""Messages about faults: why a request brought nothing usable. Each fits after a colon."""

from __future__ import annotations

from collections.abc import Sequence

from watcher.core.text import duration

NOT_HTTP = "the response is not HTTP"
CLOSED_BEFORE_RESPONSE = "the connection was closed before the response"
CLOSED_WITHIN_RESPONSE = "the connection was closed within the response"
EMPTY_BODY = "an empty body"
UTF16_BODY = "a body in UTF-16, not UTF-8"
NO_STATUS = "an import without a status"
UNREADABLE_IMPORT = "an import whose fields are missing or unreadable"
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


def quoted(status: str, said: str | None, *, server: str, location: str) -> str:
    """Return what a response said in one line; ``status`` may include code, message and ID of an error."""
    source = f" from {server}" if server else ""
    target = f" to {location}" if location else ""
    return f"{status}{source}{target}{f' ({said})' if said else ''}"


def page(title: str) -> str:
    """Return the description of a page by its title."""
    return f'page "{title}"'


def first_line(line: str) -> str:
    """Return the description of a body by its first line of text."""
    return f'"{line}"'


def other_body(media_type: str) -> str:
    """Return the description of a body without readable text; ``media_type`` may be empty."""
    shape = f" ({media_type})" if media_type not in {"", "application/json"} else ""
    return f"a body that is not an import{shape}"


def encoded_body(encoding: str) -> str:
    """Return the description of a body that could not be decoded."""
    return f"a body encoded as {encoding}, which cannot be read"


def large_body(mebibytes: int) -> str:
    """Return the description of a body of more than so many MiB."""
    return f"a body of more than {mebibytes} MiB"


def server_error(quote: str) -> str:
    """Return the message for an error of the server or of a gateway; ``quote`` says what it sent."""
    return f"the server responded with {quote}"


def cut_off(status: int, reason: str) -> str:
    """Return the message for a response that broke off after its head."""
    return f"HTTP {status}, then {reason}"


def wrong_import(field: str, expected: str, actual: str) -> str:
    """Return the message for an import with another value in an identifying field."""
    return f'"{field}" is "{actual}", not "{expected}"'


def new_token(error: str) -> str:
    """Return the message for a rejected token that was replaced meanwhile; ``error`` quotes the response."""
    return f"{error}; the token file contains a new token"


def implausible_time(fields: Sequence[str]) -> str:
    """Return the warning about header fields with a time that is ignored."""
    return f"ignoring an implausible time in the response: {'; '.join(fields)}"
