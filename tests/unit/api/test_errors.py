"""Tests of the faults that aiohttp's exceptions become."""

from __future__ import annotations

import errno
import socket
import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from watcher.api.connections import UnrequestedDataError
from watcher.api.errors import REQUEST_ERRORS, fault_of
from watcher.api.proxy import Proxy, Route
from watcher.core.answers.replies import Fault, FaultKind
from watcher.core.messages.faults import Phase

HEADERS = CIMultiDictProxy(CIMultiDict({"Authorization": "api-never-shown"}))
REQUEST = aiohttp.RequestInfo(URL("https://api.test/"), "GET", HEADERS)
PROXY = Proxy("http://proxy.test:3128", {"Proxy-Authorization": "Basic never-shown"}, "ALL_PROXY")
THE_PROXY = "the proxy http://proxy.test:3128 (from ALL_PROXY)"
DIRECT, PROXIED = Route("https://api.test"), Route("https://api.test", PROXY)


def key(host: str, port: int) -> ConnectionKey:
    """Return aiohttp's description of a host."""
    return ConnectionKey(
        host, port, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None
    )


API, VIA = key("api.test", 443), key("proxy.test", 3128)
REFUSED = OSError(errno.ECONNREFUSED, "ignored")
NO_NAME = socket.gaierror(socket.EAI_NONAME, "ignored")
NO_DATA = socket.gaierror(socket.EAI_NODATA, "ignored")
AGAIN = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
SERVER_FAILED = socket.gaierror(socket.EAI_FAIL, "Non-recoverable failure in name resolution")


def tls(reason: str) -> ssl.SSLError:
    """Return an error of the TLS library."""
    error = ssl.SSLError(1, "ignored")
    error.reason = reason
    return error


def untrusted(code: int, message: str) -> ssl.SSLCertVerificationError:
    """Return an error of the certificate check."""
    error = ssl.SSLCertVerificationError("ignored")
    error.verify_code, error.verify_message = code, message
    return error


def caused(error: Exception, cause: Exception) -> Exception:
    """Return an error with a cause."""
    error.__cause__ = cause
    return error


def proxy_error(status: int, message: str = "") -> aiohttp.ClientHttpProxyError:
    """Return the error for a proxy's refusal."""
    return aiohttp.ClientHttpProxyError(REQUEST, (), status=status, message=message)


DNS = aiohttp.ClientConnectorDNSError
CERTIFICATE = aiohttp.ClientConnectorCertificateError
CONNECTOR = aiohttp.ClientConnectorError
NETWORK = FaultKind.NETWORK

DIRECT_ERRORS: list[tuple[Exception, Phase, FaultKind, str]] = [
    (DNS(API, NO_NAME), Phase.LOOKUP, FaultKind.UNKNOWN_HOST, "there is no host named api.test"),
    (DNS(API, NO_DATA), Phase.LOOKUP, FaultKind.UNKNOWN_HOST, "there is no host named api.test"),
    (
        DNS(API, AGAIN),
        Phase.LOOKUP,
        NETWORK,
        "name lookup of api.test failed: temporary failure in name resolution",
    ),
    (
        DNS(API, SERVER_FAILED),
        Phase.LOOKUP,
        NETWORK,
        "name lookup of api.test failed: non-recoverable failure in name resolution",
    ),
    (
        DNS(API, OSError(errno.EAGAIN, "ignored")),
        Phase.LOOKUP,
        NETWORK,
        "name lookup of api.test failed: resource temporarily unavailable",
    ),
    (
        CERTIFICATE(API, ssl.SSLCertVerificationError("ignored")),
        Phase.CONNECTING,
        FaultKind.UNTRUSTED,
        "the certificate of api.test is not trusted: it cannot be verified",
    ),
    (
        CERTIFICATE(API, untrusted(19, "self-signed certificate in certificate chain")),
        Phase.CONNECTING,
        FaultKind.UNTRUSTED,
        (
            "the certificate of api.test is not trusted: self-signed certificate in certificate chain; "
            "if you trust its issuer, add it with SSL_CERT_FILE"
        ),
    ),
    (
        CERTIFICATE(API, untrusted(62, "Hostname mismatch, certificate is not valid for 'api.test'.")),
        Phase.CONNECTING,
        FaultKind.UNTRUSTED,
        (
            "the certificate of api.test is not trusted: "
            "Hostname mismatch, certificate is not valid for 'api.test'"
        ),
    ),
    (
        CERTIFICATE(API, untrusted(9, "certificate is not yet valid")),
        Phase.CONNECTING,
        FaultKind.UNTRUSTED,
        (
            "the certificate of api.test is not trusted: certificate is not yet valid; "
            "check the clock of this machine"
        ),
    ),
    (
        aiohttp.ClientConnectorSSLError(API, tls("WRONG_VERSION_NUMBER")),
        Phase.CONNECTING,
        NETWORK,
        "TLS handshake with api.test failed: the port speaks plain HTTP or another protocol without TLS",
    ),
    (
        aiohttp.ClientConnectorSSLError(API, tls("TLSV1_ALERT_PROTOCOL_VERSION")),
        Phase.CONNECTING,
        NETWORK,
        "TLS handshake with api.test failed: tlsv1 alert protocol version",
    ),
    (CONNECTOR(API, REFUSED), Phase.CONNECTING, NETWORK, "no connection to api.test: connection refused"),
    (
        CONNECTOR(API, ConnectionResetError()),
        Phase.CONNECTING,
        NETWORK,
        "TLS handshake with api.test failed: connection closed",
    ),
    (
        CONNECTOR(API, OSError("ignored")),
        Phase.CONNECTING,
        NETWORK,
        "no connection to api.test: unknown reason",
    ),
    (
        caused(aiohttp.ClientOSError(1, "ignored"), tls("TLSV13_ALERT_CERTIFICATE_REQUIRED")),
        Phase.WAITING,
        NETWORK,
        (
            "TLS handshake with api.test failed: the server requires a client certificate, "
            "which is not supported"
        ),
    ),
    (
        aiohttp.ClientOSError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert (_ssl.c:2580)"),
        Phase.WAITING,
        NETWORK,
        (
            "TLS handshake with api.test failed: the server requires a client certificate, "
            "which is not supported"
        ),
    ),
    (
        UnrequestedDataError(),
        Phase.CONNECTING,
        NETWORK,
        "api.test sent data, or closed the connection, before the request",
    ),
    (
        aiohttp.ServerDisconnectedError(),
        Phase.WAITING,
        NETWORK,
        "the connection to api.test ended before the response: connection closed",
    ),
    (
        aiohttp.ClientPayloadError(),
        Phase.READING,
        NETWORK,
        "the connection to api.test ended within the response: connection closed",
    ),
    (
        aiohttp.ClientOSError(errno.EPIPE, "ignored"),
        Phase.WAITING,
        NETWORK,
        "the connection to api.test ended before the response: broken pipe",
    ),
    (
        aiohttp.ClientResponseError(REQUEST, ()),
        Phase.READING,
        FaultKind.GATEWAY,
        "the response from api.test is not valid HTTP",
    ),
    (
        BadHttpMessage("ignored"),
        Phase.READING,
        FaultKind.GATEWAY,
        "the response from api.test is not valid HTTP",
    ),
    (ValueError("ignored"), Phase.READING, FaultKind.GATEWAY, "the response from api.test is not valid HTTP"),
    (
        caused(aiohttp.ClientResponseError(REQUEST, ()), LineTooLong(b"ignored", 1)),
        Phase.READING,
        FaultKind.GATEWAY,
        "the response from api.test has more than 64 KiB in a header field, or 256 KiB in all of them",
    ),
    (aiohttp.ClientError("ignored"), Phase.WAITING, NETWORK, "the request to api.test failed"),
]

PROXY_ERRORS: list[tuple[Exception, Phase, FaultKind, str]] = [
    (
        DNS(VIA, NO_NAME),
        Phase.LOOKUP,
        FaultKind.PROXY,
        "there is no proxy named proxy.test (from ALL_PROXY) for api.test",
    ),
    (
        DNS(VIA, AGAIN),
        Phase.LOOKUP,
        NETWORK,
        f"name lookup of {THE_PROXY} for api.test failed: temporary failure in name resolution",
    ),
    (
        aiohttp.ClientProxyConnectionError(VIA, REFUSED),
        Phase.CONNECTING,
        NETWORK,
        f"no connection to {THE_PROXY} for api.test: connection refused",
    ),
    (
        CONNECTOR(VIA, OSError(errno.ECONNRESET, "ignored")),
        Phase.CONNECTING,
        NETWORK,
        f"no connection to {THE_PROXY} for api.test: connection reset by peer",
    ),
    (
        CERTIFICATE(VIA, untrusted(20, "unable to get local issuer certificate")),
        Phase.CONNECTING,
        FaultKind.UNTRUSTED,
        (
            f"the certificate of {THE_PROXY} for api.test is not trusted: "
            "unable to get local issuer certificate; "
            "if you trust its issuer, add it with SSL_CERT_FILE"
        ),
    ),
    (
        CERTIFICATE(API, untrusted(10, "certificate has expired")),
        Phase.CONNECTING,
        FaultKind.UNTRUSTED,
        (
            f"the certificate of api.test through {THE_PROXY} is not trusted: certificate has expired; "
            "check the clock of this machine"
        ),
    ),
    (
        proxy_error(407, "Proxy Authentication Required"),
        Phase.CONNECTING,
        FaultKind.PROXY,
        (
            f"{THE_PROXY} for api.test requires a valid user name and password: "
            'HTTP 407 "Proxy Authentication Required"'
        ),
    ),
    (
        proxy_error(503, "no never-shown\x1b"),
        Phase.CONNECTING,
        NETWORK,
        f'{THE_PROXY} made no connection to api.test: HTTP 503 "no ***\\u001b"',
    ),
    (proxy_error(502), Phase.CONNECTING, NETWORK, f"{THE_PROXY} made no connection to api.test: HTTP 502"),
    (
        aiohttp.ClientResponseError(REQUEST, ()),
        Phase.CONNECTING,
        NETWORK,
        f"{THE_PROXY} made no connection to api.test: the response from it is not valid HTTP",
    ),
    (
        aiohttp.ServerDisconnectedError(),
        Phase.CONNECTING,
        NETWORK,
        f"{THE_PROXY} made no connection to api.test: connection closed",
    ),
    (
        aiohttp.ServerDisconnectedError(),
        Phase.WAITING,
        NETWORK,
        f"the connection to api.test through {THE_PROXY} ended before the response: connection closed",
    ),
]


@pytest.mark.parametrize(
    ("route", "error", "phase", "kind", "detail"),
    [(DIRECT, *case) for case in DIRECT_ERRORS] + [(PROXIED, *case) for case in PROXY_ERRORS],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_every_error_becomes_a_fault(
    route: Route, error: Exception, phase: Phase, kind: FaultKind, detail: str
) -> None:
    """Each exception becomes a kind and a message; its own text, secrets included, is not shown."""
    assert isinstance(error, REQUEST_ERRORS)
    fault = fault_of(error, route, phase)
    assert fault == Fault(kind, detail)
    assert "ignored" not in fault.detail
    assert "never-shown" not in fault.detail
    assert route.host in fault.detail
