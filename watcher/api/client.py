"""The one GET request; every failure is returned as a value, none is raised."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

import aiohttp
from yarl import URL

from watcher.api.errors import REQUEST_ERRORS, fault_of
from watcher.core.answers.replies import BODY_LIMIT, Answer, Fault, FaultKind
from watcher.core.messages import faults
from watcher.version import __version__

if TYPE_CHECKING:
    import ssl

    from multidict import CIMultiDictProxy

    from watcher.api.proxy import Proxy
    from watcher.api.token import Secret, TokenSource
    from watcher.core.model import ImportRef

API_VERSION = "20240415"
USER_AGENT = f"launchdarkly-import-watcher/{__version__}"

_CHUNK = 1 << 16
_CACHED_URLS = 1000
"""A cache of all URLs of a large fleet would cost too much memory."""


class Client:
    """An HTTP client for imports that keeps its connections open.

    Args:
        base_uri: Scheme and host of the API, without a path.
        tokens: Source of the access token.
        tls: Trusted certificate authorities; None for the system's.
        proxy: Proxy for all requests; None for direct connections.
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

    async def __aenter__(self) -> Self:
        """Create the connection pool; no connection is opened yet."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # the loop limits the requests in flight
                ssl=self._tls or True,
                resolver=aiohttp.ThreadedResolver(),
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),  # the caller cancels requests that take too long
            auto_decompress=False,
            headers={
                "Accept": "application/json",
                # A few hundred bytes need no compression, and without it there are no decompression bombs.
                "Accept-Encoding": "identity",
                "LD-API-Version": API_VERSION,
                "User-Agent": USER_AGENT,
            },
        )
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def get(self, ref: ImportRef) -> Answer | Fault:
        """Request an import once; a 401 makes the token source read the token again.

        Returns:
            The response as it arrived, or a fault if there was none.
        """
        token = self._tokens.current()
        try:
            answer = await self._request(ref, token)
        except REQUEST_ERRORS as error:
            return fault_of(error)
        if answer.status == HTTPStatus.UNAUTHORIZED and self._tokens.reread() != token:
            return replace(answer, token_changed=True)
        return answer

    async def _request(self, ref: ImportRef, token: Secret) -> Answer:
        if self._session is None:
            raise RuntimeError("use the client as an async context manager")
        proxy = self._proxy
        async with self._session.get(
            _url(self._base_uri, ref),
            headers={"Authorization": token.reveal()},
            allow_redirects=False,
            proxy=None if proxy is None else proxy.url,
            proxy_headers=None if proxy is None else proxy.headers,
        ) as response:
            body, broken = await _read(response)
        return Answer(response.status, _joined(response.headers), body, broken, conceal=self._tokens.conceal)


@lru_cache(maxsize=_CACHED_URLS)
def _url(base_uri: str, ref: ImportRef) -> URL:
    return URL(base_uri + ref.path, encoded=True)


async def _read(response: aiohttp.ClientResponse) -> tuple[bytes, Fault | None]:
    """Read a body as far as possible: status and headers count even if the body breaks off."""
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
    headers = {name.lower(): value for name, value in fields.items()}
    if len(headers) < len(fields):
        return {name: ", ".join(fields.getall(name)) for name in headers}
    return headers
