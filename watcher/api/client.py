"""The one GET request; a failure is returned as a value, not raised."""

from __future__ import annotations

import asyncio
import ssl
from http import HTTPStatus
from typing import Self

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from watcher.api.errors import REQUEST_ERRORS, fault_of
from watcher.api.proxy import Proxy
from watcher.api.token import TokenSource
from watcher.core.answers.replies import BODY_LIMIT, Answer, Fault, FaultKind
from watcher.core.messages import faults
from watcher.core.model import ImportRef
from watcher.version import __version__

_CHUNK = 1 << 16


class Client:
    """An HTTP client for imports that keeps its connections open; create it in a running event loop.

    ``base_uri`` has no path; without ``tls``, the system's certificate authorities are trusted.
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
        self._proxy = proxy
        self._tls = tls
        self._session = self._open_session(force_close=False)
        self._fresh_session = self._open_session(force_close=True)

    def _open_session(self, *, force_close: bool) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # the loop limits the requests in flight
                ssl=self._tls or True,
                resolver=aiohttp.ThreadedResolver(),
                force_close=force_close,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),  # the caller cancels requests that take too long
            auto_decompress=False,
            headers={
                "Accept": "application/json",
                # A few hundred bytes need no compression, and without it there are no decompression bombs.
                "Accept-Encoding": "identity",
                "LD-API-Version": "20240415",
                "User-Agent": f"launchdarkly-import-watcher/{__version__}",
            },
        )

    async def __aenter__(self) -> Self:
        """Return the client; no connection is opened yet."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close all connections."""
        await self._session.close()
        await self._fresh_session.close()

    async def get(self, ref: ImportRef, fresh: bool = False) -> Answer | Fault:  # noqa: FBT001, FBT002 (a Probe)
        """Return the response to one request, or a fault if there was none; reread the token after a 401.

        A ``fresh`` request uses a new connection, which is closed after it.
        """
        session = self._fresh_session if fresh else self._session
        token, proxy = self._tokens.current(), self._proxy
        try:
            async with session.get(
                URL(self._base_uri + ref.path, encoded=True),
                headers={"Authorization": token.reveal()},
                allow_redirects=False,
                proxy=None if proxy is None else proxy.url,
                proxy_headers=None if proxy is None else proxy.headers,
            ) as response:
                body, broken = await _read(response)
        except REQUEST_ERRORS as error:
            return fault_of(error)
        changed = response.status == HTTPStatus.UNAUTHORIZED and self._tokens.reread() != token
        headers = _joined(response.headers)
        return Answer(response.status, headers, body, broken, changed, self._tokens.conceal)


async def _read(response: aiohttp.ClientResponse) -> tuple[bytes, Fault | None]:
    """Read a body, or as much of it as arrives: status and headers count even if the body breaks off."""
    body = bytearray()
    broken = None
    try:
        while len(body) <= BODY_LIMIT and not response.content.at_eof():
            body += await response.content.read(_CHUNK)
    except REQUEST_ERRORS as error:
        broken = fault_of(error)
    except asyncio.CancelledError:  # the request timed out; its task still returns the response's head
        broken = Fault(FaultKind.NETWORK, faults.INCOMPLETE_IN_TIME)
    if broken is not None or len(body) > BODY_LIMIT:
        response.close()
    return bytes(body[: BODY_LIMIT + 1]), broken


def _joined(fields: CIMultiDictProxy[str]) -> dict[str, str]:
    """Return header fields, names in lower case, repeated ones joined by commas (RFC 9110, section 5.3)."""
    return {name.lower(): ", ".join(fields.getall(name)) for name in fields}
