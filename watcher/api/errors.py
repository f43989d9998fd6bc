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
        case aiohttp.ClientConnectorDNSError():
            return _lookup_fault(error.host, error.os_error)
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(error.certificate_error, "verify_message", "") or faults.NOT_VERIFIED
            return Fault(FaultKind.UNTRUSTED, faults.untrusted_certificate(reason))
        case aiohttp.ClientHttpProxyError():
            return Fault(FaultKind.NETWORK, faults.proxy_answered(error.status))
        case aiohttp.ServerDisconnectedError():
            return Fault(FaultKind.NETWORK, faults.CLOSED_BEFORE_RESPONSE)
        case aiohttp.ClientPayloadError():
            return Fault(FaultKind.NETWORK, faults.CLOSED_WITHIN_RESPONSE)
        case OSError():
            return Fault(FaultKind.NETWORK, _connection_message(error))
        case aiohttp.ClientResponseError() | HttpProcessingError() | ValueError():
            return Fault(FaultKind.GATEWAY, faults.NOT_HTTP)
        case _:
            return Fault(FaultKind.NETWORK, faults.REQUEST_FAILED)


def _lookup_fault(host: str, error: OSError) -> Fault:
    if not isinstance(error, socket.gaierror):
        return Fault(FaultKind.NETWORK, faults.lookup_failed(host, _system_reason(error)))
    if error.errno == socket.EAI_AGAIN:
        return Fault(FaultKind.NETWORK, faults.lookup_failed(host))
    return Fault(FaultKind.UNKNOWN_HOST, faults.unknown_host(host))


def _connection_message(error: OSError) -> str:
    match error:
        case aiohttp.ClientConnectorSSLError():
            return faults.no_tls(f"{error.host}:{error.port}")
        case aiohttp.ClientProxyConnectionError():
            return faults.proxy_unreachable(_system_reason(error.os_error))
        case aiohttp.ClientConnectorError():
            return faults.no_connection(f"{error.host}:{error.port}", _system_reason(error.os_error))
        case _:
            return faults.connection_broke(_system_reason(error))


def _system_reason(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return faults.NAME_NOT_FOUND
    if error.errno is None:
        return faults.CLOSED_DURING_TLS if isinstance(error, ConnectionError) else faults.UNKNOWN_REASON
    return os.strerror(error.errno).lower()
