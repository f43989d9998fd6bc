"""One GET of one import through aiohttp; whatever goes wrong comes back as a value, never as an exception."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Self

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from watcher.core.answers.replies import BODY_LIMIT, Answer, Fault, FaultKind
from watcher.version import __version__

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

    from multidict import CIMultiDictProxy

    from watcher.api.network import Proxy
    from watcher.api.token import Secret, TokenSource
    from watcher.core.model import ImportRef

API_VERSION = "20240415"
USER_AGENT = f"launchdarkly-import-watcher/{__version__}"

_CHUNK = 1 << 16
_URLS_KEPT = 1000
_UNAUTHORIZED = 401
_NOT_HTTP = "an answer that is not HTTP"
_FAULTS = (aiohttp.ClientError, OSError, HttpProcessingError, ValueError)


class Client:
    """Asks the API for imports over kept connections.

    Args:
        base_uri: Scheme and host, without a path.
        tokens: Where the access token comes from.
        tls: The trusted roots; None are the system's.
        proxy: The proxy that everything goes through.
    """

    def __init__(
        self,
        base_uri: str,
        tokens: TokenSource,
        *,
        tls: ssl.SSLContext | None = None,
        proxy: Proxy | None = None,
    ) -> None:
        self._base_uri = base_uri
        self._tokens = tokens
        self._tls = tls
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None
        # A URL is taken apart at its first use; a fleet's would fill the memory.
        self._url = lru_cache(maxsize=_URLS_KEPT)(self._make_url)

    async def __aenter__(self) -> Self:
        """Prepares the connections; none is opened yet."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # the loop sets one
                ssl=self._tls or True,
                resolver=aiohttp.ThreadedResolver(),
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),  # whoever asks gives up what takes too long
            auto_decompress=False,
            headers={
                "Accept": "application/json",
                # A few hundred bytes need no compression, and what is not unpacked is no bomb.
                "Accept-Encoding": "identity",
                "LD-API-Version": API_VERSION,
                "User-Agent": USER_AGENT,
            },
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()

    async def get(self, ref: ImportRef) -> Answer | Fault:
        """Asks once for an import.

        Args:
            ref: The import.

        Returns:
            The answer as it came, or what kept it from coming.
        """
        token = self._tokens.current()
        try:
            answer = await self._exchange(ref, token)
        except _FAULTS as error:
            return _explain(error)
        if answer.status == _UNAUTHORIZED and self._tokens.reread() != token:
            return replace(answer, token_changed=True)
        return answer

    def _make_url(self, ref: ImportRef) -> URL:
        return URL(self._base_uri + ref.path, encoded=True)

    async def _exchange(self, ref: ImportRef, token: Secret) -> Answer:
        if self._session is None:
            raise RuntimeError("the client is used outside of its context")
        proxy = self._proxy
        async with self._session.get(
            self._url(ref),
            headers={"Authorization": token.reveal()},
            allow_redirects=False,
            proxy=None if proxy is None else proxy.url,
            proxy_headers=None if proxy is None else proxy.headers,
        ) as response:
            body, broken = await _read(response)
        return Answer(response.status, _joined(response.headers), body, broken, conceal=self._tokens.conceal)


async def _read(response: aiohttp.ClientResponse) -> tuple[bytes, Fault | None]:
    """Reads a body as far as it comes, for the answer's head counts without it, too."""
    body = bytearray()
    broken = None
    try:
        while len(body) <= BODY_LIMIT and not response.content.at_eof():
            body += await response.content.read(_CHUNK)
    except _FAULTS as error:
        broken = _explain(error)
    except asyncio.CancelledError:  # the request is given up; nobody else waits for this task
        broken = Fault(FaultKind.NETWORK, "the answer did not come whole in time")
    if broken is not None or len(body) > BODY_LIMIT:
        response.close()
    return bytes(body[: BODY_LIMIT + 1]), broken


def _joined(fields: CIMultiDictProxy[str]) -> dict[str, str]:
    headers = {name.lower(): value for name, value in fields.items()}
    if len(headers) < len(fields):
        return {name: ", ".join(fields.getall(name)) for name in headers}
    return headers


def _explain(error: Exception) -> Fault:  # noqa: C901 (a table of the library's errors)
    """Names an error without formatting it: aiohttp's errors carry the request's headers, token included."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return _explain_lookup(error)
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(error.certificate_error, "verify_message", "") or "it cannot be verified"
            return Fault(FaultKind.UNTRUSTED, f"the server's certificate is not trusted: {reason}")
        case aiohttp.ClientConnectorSSLError():
            return Fault(FaultKind.NETWORK, f"no TLS connection to {_address(error)} could be agreed on")
        case aiohttp.ClientProxyConnectionError():
            return Fault(FaultKind.NETWORK, f"the proxy cannot be reached: {_system_reason(error.os_error)}")
        case aiohttp.ClientConnectorError():
            reason = _system_reason(error.os_error)
            return Fault(FaultKind.NETWORK, f"no connection to {_address(error)}: {reason}")
        case aiohttp.ClientHttpProxyError():
            return Fault(FaultKind.NETWORK, f"the proxy answered HTTP {error.status}")
        case aiohttp.ClientResponseError():
            return Fault(FaultKind.NONSENSE, _NOT_HTTP)
        case aiohttp.ServerDisconnectedError():
            return Fault(FaultKind.NETWORK, "the connection was closed before an answer came")
        case aiohttp.ClientPayloadError():
            return Fault(FaultKind.NETWORK, "the connection was closed within the answer")
        case OSError():
            return Fault(FaultKind.NETWORK, f"the connection broke: {_system_reason(error)}")
        case HttpProcessingError() | ValueError():
            return Fault(FaultKind.NONSENSE, _NOT_HTTP)
        case _:
            return Fault(FaultKind.NETWORK, "the request failed")


def _address(error: aiohttp.ClientConnectorError) -> str:
    return f"{error.host}:{error.port}"


def _explain_lookup(error: aiohttp.ClientConnectorDNSError) -> Fault:
    host = error.host
    if not isinstance(error.os_error, socket.gaierror):
        reason = _system_reason(error.os_error)
        return Fault(FaultKind.NETWORK, f"the name {host} cannot be looked up: {reason}")
    if error.os_error.errno == socket.EAI_AGAIN:
        return Fault(FaultKind.NETWORK, f"the name {host} cannot be looked up for now")
    return Fault(FaultKind.UNKNOWN_HOST, f"there is no host named {host}")


def _system_reason(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "its name cannot be looked up"
    if error.errno is None:
        closed = isinstance(error, ConnectionError)
        return "it was closed while TLS was agreed on" if closed else "the reason is not known"
    return os.strerror(error.errno).lower()
