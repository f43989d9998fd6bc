"""Tests of the faults that aiohttp's exceptions become."""

from __future__ import annotations

import errno
import socket
import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.http_exceptions import BadHttpMessage
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from watcher.api.errors import REQUEST_ERRORS, fault_of
from watcher.core.answers.replies import Fault, FaultKind
from watcher.core.messages import faults

KEY = ConnectionKey(
    "api.test", 443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None
)
ADDRESS = "api.test:443"
HEADERS = CIMultiDictProxy(CIMultiDict({"Authorization": "api-never-shown"}))
REQUEST = aiohttp.RequestInfo(URL("https://api.test/"), "GET", HEADERS)

REFUSED = OSError(errno.ECONNREFUSED, "ignored")
NO_NAME = socket.gaierror(socket.EAI_NONAME, "ignored")


def network(detail: str) -> Fault:
    """Return a network fault."""
    return Fault(FaultKind.NETWORK, detail)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (
            aiohttp.ClientConnectorDNSError(KEY, NO_NAME),
            Fault(FaultKind.UNKNOWN_HOST, faults.unknown_host("api.test")),
        ),
        (
            aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(socket.EAI_AGAIN, "ignored")),
            network(faults.lookup_failed("api.test")),
        ),
        (
            aiohttp.ClientConnectorDNSError(KEY, OSError(errno.EAGAIN, "ignored")),
            network(faults.lookup_failed("api.test", "resource temporarily unavailable")),
        ),
        (
            aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError("ignored")),
            Fault(FaultKind.UNTRUSTED, faults.untrusted_certificate(faults.NOT_VERIFIED)),
        ),
        (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError("ignored")), network(faults.no_tls(ADDRESS))),
        (
            aiohttp.ClientProxyConnectionError(KEY, NO_NAME),
            network(faults.proxy_unreachable(faults.NAME_NOT_FOUND)),
        ),
        (
            aiohttp.ClientConnectorError(KEY, REFUSED),
            network(faults.no_connection(ADDRESS, "connection refused")),
        ),
        (
            aiohttp.ClientConnectorError(KEY, ConnectionResetError()),
            network(faults.no_connection(ADDRESS, faults.CLOSED_DURING_TLS)),
        ),
        (
            aiohttp.ClientConnectorError(KEY, OSError("ignored")),
            network(faults.no_connection(ADDRESS, faults.UNKNOWN_REASON)),
        ),
        (aiohttp.ClientHttpProxyError(REQUEST, (), status=407), network(faults.proxy_answered(407))),
        (aiohttp.ClientResponseError(REQUEST, ()), Fault(FaultKind.GATEWAY, faults.NOT_HTTP)),
        (aiohttp.ServerDisconnectedError(), network(faults.CLOSED_BEFORE_RESPONSE)),
        (aiohttp.ClientPayloadError(), network(faults.CLOSED_WITHIN_RESPONSE)),
        (aiohttp.ClientOSError(errno.EPIPE, "ignored"), network(faults.connection_broke("broken pipe"))),
        (BadHttpMessage("ignored"), Fault(FaultKind.GATEWAY, faults.NOT_HTTP)),
        (ValueError("ignored"), Fault(FaultKind.GATEWAY, faults.NOT_HTTP)),
        (aiohttp.ClientError("ignored"), network(faults.REQUEST_FAILED)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_error_becomes_a_fault(error: Exception, fault: Fault) -> None:
    """Each exception becomes a kind and a message; its own text, token included, is not shown."""
    assert isinstance(error, REQUEST_ERRORS)
    assert fault_of(error) == fault
    assert "ignored" not in fault.detail
    assert "never-shown" not in fault.detail
