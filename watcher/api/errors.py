"""Translation of aiohttp's exceptions to faults."""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from watcher.api.connections import UnrequestedDataError
from watcher.api.exchange import Exchange
from watcher.api.loopback import NotLoopbackError
from watcher.api.proxy import Proxy, Route
from watcher.core.answers.replies import Fault, FaultKind
from watcher.core.messages import faults
from watcher.core.messages.faults import Phase
from watcher.core.text import printable

REQUEST_ERRORS = (aiohttp.ClientError, OSError, HttpProcessingError, ValueError)
"""The exceptions that a request through aiohttp can raise."""

_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
_BEFORE_REQUEST = {Phase.LOOKUP, Phase.CONNECTING, Phase.PROXY}

# OpenSSL's verification results (X509_V_ERR_…).
_UNKNOWN_ISSUER = {2, 18, 19, 20, 21}
_WRONG_TIME = {9, 10}

_TLS_REASONS = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": faults.CLIENT_CERTIFICATE,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": faults.HANDSHAKE_REJECTED,
    "WRONG_VERSION_NUMBER": faults.PLAIN_HTTP,
    "RECORD_LAYER_FAILURE": faults.PLAIN_HTTP,  # OpenSSL 3.2 and later
    "HTTP_REQUEST": faults.PLAIN_HTTP,
}


_TLS_TEXT = re.compile(r"\[SSL: (\w+)\]")
"""The beginning of a TLS error's text, which is all that aiohttp keeps of an error after the handshake."""


def fault_of(error: Exception, route: Route, phase: Phase, *, is_new: bool = False) -> Fault:
    """Return the fault for one of ``REQUEST_ERRORS`` that was raised in a phase of a request.

    ``is_new`` says whether the request used a new connection.

    The error itself is never formatted: aiohttp's errors contain the request's headers and so the token.
    """
    proxy = route.proxy
    match error:
        case aiohttp.ClientConnectorDNSError():
            return _lookup_fault(error, route)
        case aiohttp.ClientConnectorCertificateError():
            return _certificate_fault(error.certificate_error, _peer(error.host, error.port, route), route)
        case aiohttp.ClientHttpProxyError() if proxy is not None:
            return _proxy_fault(error, route, proxy)
        case aiohttp.ClientConnectorError():
            return _network(_connection_message(error, route))
        case _ if proxy is not None and phase in _BEFORE_REQUEST:
            return _network(faults.proxy_failed(str(proxy), route.host, _broken_tunnel(error)))
        case UnrequestedDataError() | NotLoopbackError():
            return _network(_refusal(error, route))
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError() | OSError():
            return _network(_break_message(error, route, phase, is_new=is_new))
        case aiohttp.ClientResponseError() | HttpProcessingError() | ValueError():
            if any(isinstance(cause, LineTooLong) for cause in _causes(error)):
                return headers_fault(route)
            return Fault(FaultKind.GATEWAY, faults.not_http(str(route)))
        case _:
            return _network(faults.request_failed(str(route)))


def headers_fault(route: Route) -> Fault:
    """Return the fault for a response whose headers are too large."""
    return Fault(FaultKind.GATEWAY, faults.headers_too_large(str(route)))


def timeout_fault(route: Route, exchange: Exchange) -> Fault:
    """Return the fault for a request that was cancelled because it took too long."""
    phase = exchange.phase
    if phase is Phase.CONNECTING and exchange.connected():
        phase = Phase.TLS if route.proxy is None else Phase.PROXY
    peer = route.first_hop if phase in {Phase.LOOKUP, Phase.CONNECTING} else str(route)
    return _network(faults.timed_out(phase, peer, exchange.elapsed()))


def _network(detail: str) -> Fault:
    return Fault(FaultKind.NETWORK, detail)


def _lookup_fault(error: aiohttp.ClientConnectorDNSError, route: Route) -> Fault:
    reason = error.os_error
    if isinstance(reason, socket.gaierror) and reason.errno in _NO_SUCH_NAME:
        if route.proxy is not None:
            return Fault(FaultKind.PROXY, faults.unknown_proxy(error.host, route.proxy.variable, route.host))
        return Fault(FaultKind.UNKNOWN_HOST, faults.unknown_host(error.host))
    return _network(
        faults.lookup_failed(route.first_hop, _system_reason(reason, faults.LOOKUP_HAS_NO_RESULT))
    )


def _certificate_fault(error: Exception, peer: str, route: Route) -> Fault:
    reason = getattr(error, "verify_message", "") or faults.NOT_VERIFIED
    code = getattr(error, "verify_code", 0)
    advice = None
    if code in _UNKNOWN_ISSUER:
        advice = faults.unknown_issuer(route.roots)
    elif code in _WRONG_TIME:
        advice = faults.CHECK_CLOCK
    # Some of OpenSSL's reasons are sentences.
    reason = printable(reason.rstrip("."))
    return Fault(FaultKind.UNTRUSTED, faults.untrusted_certificate(peer, reason, advice))


def _proxy_fault(error: aiohttp.ClientHttpProxyError, route: Route, proxy: Proxy) -> Fault:
    phrase = printable(proxy.conceal(error.message))
    reason = f'HTTP {error.status} "{phrase}"' if phrase else f"HTTP {error.status}"
    # tinyproxy answers 401 to a wrong password, and 407 to none.
    if error.status in {HTTPStatus.PROXY_AUTHENTICATION_REQUIRED, HTTPStatus.UNAUTHORIZED}:
        return Fault(FaultKind.PROXY, faults.proxy_credentials(route.first_hop, reason))
    return _network(faults.proxy_failed(str(proxy), route.host, reason))


def _broken_tunnel(error: Exception) -> str:
    if isinstance(error, (aiohttp.ClientResponseError, HttpProcessingError, ValueError)):
        return faults.not_http("it")
    return _system_reason(error, faults.CLOSED)


def _connection_message(error: aiohttp.ClientConnectorError, route: Route) -> str:
    peer, reason = _peer(error.host, error.port, route), error.os_error
    tls = _tls_reason(reason)
    if tls is not None:
        return faults.no_tls(peer, tls)
    proxy = route.proxy
    if proxy is not None and _is_proxy(error.host, error.port, proxy):
        is_tls = proxy.url.startswith("https:")
    else:
        is_tls = route.is_https
    if isinstance(reason, ConnectionError) and not isinstance(reason, ConnectionRefusedError) and is_tls:
        return faults.no_tls(peer, _system_reason(reason, faults.CLOSED))
    return faults.no_connection(peer, _system_reason(reason, faults.UNKNOWN_REASON))


def _break_message(error: Exception, route: Route, phase: Phase, *, is_new: bool) -> str:
    tls = next((reason for cause in _causes(error) if (reason := _tls_reason(cause))), None)
    if tls is not None:
        return faults.no_tls(str(route), tls)
    reason = _system_reason(error, faults.CLOSED)
    if is_new and route.is_https and phase is Phase.WAITING:
        # TLS 1.3 servers look for a client certificate after the client's handshake; some send no alert.
        reason = f"{reason}; {faults.MAY_WANT_CERTIFICATE}"
    return faults.connection_broke(phase, str(route), reason)


def _refusal(error: UnrequestedDataError | NotLoopbackError, route: Route) -> str:
    """Return the reason why no request was sent on a new connection."""
    if isinstance(error, NotLoopbackError):
        return faults.not_loopback(route.host, str(error))
    return faults.unrequested_data(str(route))


def _tls_reason(error: BaseException) -> str | None:
    if isinstance(error, ssl.SSLError):
        name = error.reason or ""
    elif isinstance(error, OSError) and (text := _TLS_TEXT.match(error.strerror or "")):
        name = text[1]
    else:
        return None
    return _TLS_REASONS.get(name) or printable(name.lower().replace("_", " ")) or faults.UNKNOWN_REASON


def _peer(host: str, port: int | None, route: Route) -> str:
    return route.first_hop if _is_proxy(host, port, route.proxy) else str(route)


def _is_proxy(host: str, port: int | None, proxy: Proxy | None) -> bool:
    if proxy is None:
        return False
    parts = urlsplit(proxy.url)
    default = 443 if parts.scheme == "https" else 80
    return (parts.hostname, parts.port or default) == (host, port)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _system_reason(error: BaseException, otherwise: str) -> str:
    if isinstance(error, socket.gaierror):
        return printable(error.strerror or otherwise).lower()
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno).lower()
    return otherwise
