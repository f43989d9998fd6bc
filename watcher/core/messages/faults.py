"""Messages about faults: why a request got no usable response. Each fits after a colon.

A ``peer`` is a host, and the proxy on the way to it, as ``Route`` in ``watcher.api.proxy`` describes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import assert_never

from watcher.core.text import duration

EMPTY_BODY = "an empty body"
UTF16_BODY = "a body in UTF-16, not UTF-8"
NO_STATUS = "an import without a status"
UNREADABLE_IMPORT = "an import whose fields are missing or unreadable"
NO_RESPONSE_BEFORE_END = "no response before the end of the wait"

CLOSED = "connection closed"
UNKNOWN_REASON = "unknown reason"
LOOKUP_HAS_NO_RESULT = "it has no address"

CLIENT_CERTIFICATE = "the server requires a client certificate, which is not supported"
MAY_WANT_CERTIFICATE = "it may require a client certificate, which is not supported"
PLAIN_HTTP = "the port speaks plain HTTP or another protocol without TLS"
HANDSHAKE_REJECTED = "the server rejected it; it may require a client certificate or another TLS version"
NOT_VERIFIED = "it cannot be verified"
CHECK_CLOCK = "check the clock of this machine"


class Phase(Enum):
    """The phases of a request, in order."""

    LOOKUP = "name lookup"
    CONNECTING = "connecting"
    TLS = "TLS"
    PROXY = "proxy"
    WAITING = "waiting for the response"
    READING = "reading the response"


def timed_out(phase: Phase, peer: str, after: float) -> str:
    """Return the message for a request that timed out in a phase after some seconds."""
    within = f"within {duration(after)}"
    match phase:
        case Phase.LOOKUP:
            return f"no result of the name lookup of {peer} {within}"
        case Phase.CONNECTING:
            return f"no connection to {peer} {within}"
        case Phase.TLS:
            return f"no TLS handshake with {peer} {within}"
        case Phase.PROXY:
            return f"no tunnel to {peer} {within}"
        case Phase.WAITING:
            return f"no response from {peer} {within}"
        case Phase.READING:
            return f"no complete response from {peer} {within}"
        case _:
            assert_never(phase)


def response_timeout(within: float) -> str:
    return f"no complete response within {duration(within)}"


def unknown_host(host: str) -> str:
    return f"there is no host named {host}"


def unknown_proxy(proxy: str, variable: str, host: str) -> str:
    return f"there is no proxy named {proxy} (from {variable}) for {host}"


def lookup_failed(peer: str, reason: str) -> str:
    return f"name lookup of {peer} failed: {reason}"


def untrusted_certificate(peer: str, reason: str, advice: str | None = None) -> str:
    return f"the certificate of {peer} is not trusted: {reason}{f'; {advice}' if advice else ''}"


def unknown_issuer(roots: str) -> str:
    """Return the advice about a certificate of an unknown issuer; ``roots`` are the settings that add one."""
    return f"if you trust its issuer, add it with {roots}"


def no_tls(peer: str, reason: str) -> str:
    return f"TLS handshake with {peer} failed: {reason}"


def no_connection(peer: str, reason: str) -> str:
    return f"no connection to {peer}: {reason}"


def proxy_failed(proxy: str, host: str, reason: str) -> str:
    return f"{proxy} made no connection to {host}: {reason}"


def proxy_credentials(proxy: str, reason: str) -> str:
    return f"{proxy} requires a valid user name and password: {reason}"


def connection_broke(phase: Phase, peer: str, reason: str) -> str:
    moment = "within" if phase is Phase.READING else "before"
    return f"the connection to {peer} ended {moment} the response: {reason}"


def unrequested_data(peer: str) -> str:
    return f"{peer} sent data, or closed the connection, before the request"


def not_loopback(host: str, address: str) -> str:
    return f"{host} is {address}, which is not a loopback address; plain http would expose the access token"


def not_http(peer: str) -> str:
    return f"the response from {peer} is not valid HTTP"


def headers_too_large(peer: str) -> str:
    return f"the response from {peer} has more than 64 KiB in a header field, or 256 KiB in all of them"


def request_failed(peer: str) -> str:
    return f"the request to {peer} failed"


def quoted(status: str, said: str | None, *, server: str, location: str) -> str:
    """Return what a response said in one line; ``status`` may include code, message and ID of an error."""
    source = f" from {server}" if server else ""
    target = f" to {location}" if location else ""
    return f"{status}{source}{target}{f' ({said})' if said else ''}"


def page(title: str) -> str:
    return f'page "{title}"'


def first_line(line: str) -> str:
    return f'"{line}"'


def body_without_text(media_type: str) -> str:
    """Return the description of a body without readable text; ``media_type`` may be empty."""
    return "a body without text" + (f" ({media_type})" if media_type else "")


def encoded_body(encoding: str) -> str:
    return f"a body encoded as {encoding}, which cannot be read"


def large_body(mebibytes: int) -> str:
    return f"a body of more than {mebibytes} MiB"


def responded(peer: str, quote: str) -> str:
    """Return the message for a response that is of no use; ``quote`` says what it contained."""
    return f"{peer} responded with {quote}"


def cut_off(status: int, reason: str) -> str:
    return f"HTTP {status}, then {reason}"


def wrong_import(field: str, expected: str, actual: str) -> str:
    return f'"{field}" is "{actual}", not "{expected}"'


def new_token(error: str) -> str:
    """Return the message for a rejected token that was replaced meanwhile; ``error`` quotes the response."""
    return f"{error}; the access token has been replaced"


def implausible_time(fields: Sequence[str]) -> str:
    return f"ignoring an implausible time in the response: {'; '.join(fields)}"
