"""Translation of aiohttp's exceptions to faults."""

from __future__ import annotations

import os
import socket

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from watcher.core.answers.replies import Fault, FaultKind
from watcher.core.messages import faults

REQUEST_ERRORS = (aiohttp.ClientError, OSError, HttpProcessingError, ValueError)
"""The exceptions that a request through aiohttp can raise."""


def fault_of(error: Exception) -> Fault:
    """Return the fault for one of ``REQUEST_ERRORS``.

    The error itself is never formatted: aiohttp's errors contain the request's headers and so the token.
    """
    match error:
        case aiohttp.ClientConnectorError():
            return _connection_fault(error)
        case aiohttp.ClientHttpProxyError():
            return Fault(FaultKind.NETWORK, faults.proxy_answered(error.status))
        case aiohttp.ServerDisconnectedError():
            return Fault(FaultKind.NETWORK, faults.CLOSED_BEFORE_RESPONSE)
        case aiohttp.ClientPayloadError():
            return Fault(FaultKind.NETWORK, faults.CLOSED_WITHIN_RESPONSE)
        case OSError():
            return Fault(FaultKind.NETWORK, faults.connection_broke(_system_reason(error)))
        case aiohttp.ClientResponseError() | HttpProcessingError() | ValueError():
            return Fault(FaultKind.NONSENSE, faults.NOT_HTTP)
        case _:
            return Fault(FaultKind.NETWORK, faults.REQUEST_FAILED)


def _connection_fault(error: aiohttp.ClientConnectorError) -> Fault:
    """Return the fault for a connection that could not be opened."""
    address = f"{error.host}:{error.port}"
    match error:
        case aiohttp.ClientConnectorDNSError():
            return _lookup_fault(error.host, error.os_error)
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(error.certificate_error, "verify_message", "") or faults.NOT_VERIFIED
            return Fault(FaultKind.UNTRUSTED, faults.untrusted_certificate(reason))
        case aiohttp.ClientConnectorSSLError():
            return Fault(FaultKind.NETWORK, faults.no_tls(address))
        case aiohttp.ClientProxyConnectionError():
            return Fault(FaultKind.NETWORK, faults.proxy_unreachable(_system_reason(error.os_error)))
        case _:
            return Fault(FaultKind.NETWORK, faults.no_connection(address, _system_reason(error.os_error)))


def _lookup_fault(host: str, error: OSError) -> Fault:
    """Return the fault for a host name without an address."""
    if not isinstance(error, socket.gaierror):
        return Fault(FaultKind.NETWORK, faults.lookup_failed(host, _system_reason(error)))
    if error.errno == socket.EAI_AGAIN:
        return Fault(FaultKind.NETWORK, faults.lookup_failed(host))
    return Fault(FaultKind.UNKNOWN_HOST, faults.unknown_host(host))


def _system_reason(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return faults.NAME_NOT_FOUND
    if error.errno is None:
        return faults.CLOSED_DURING_TLS if isinstance(error, ConnectionError) else faults.UNKNOWN_REASON
    return os.strerror(error.errno).lower()
