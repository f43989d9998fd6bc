"""The one GET request; a failure is returned as a value, not raised."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from http import HTTPStatus
from typing import Self

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from watcher.api.connections import Connector
from watcher.api.errors import REQUEST_ERRORS, fault_of, headers_fault, timeout_fault
from watcher.api.exchange import (
    FIELD_LIMIT,
    HEAD_LIMIT,
    MAX_FIELDS,
    SMALL,
    Exchange,
    large_response_slots,
)
from watcher.api.loopback import check_localhost
from watcher.api.proxy import Proxy, Route
from watcher.api.token_sources import TokenError, TokenSource
from watcher.core.answers.replies import BODY_LIMIT, Answer, Fault, FaultKind
from watcher.core.messages.faults import Phase
from watcher.core.model import ImportRef
from watcher.version import __version__

_CHUNK = 1 << 14

_ZLIB_WINDOWS = {
    "gzip": (16 + zlib.MAX_WBITS,),
    "x-gzip": (16 + zlib.MAX_WBITS,),
    "deflate": (zlib.MAX_WBITS, -zlib.MAX_WBITS),  # some servers send it without the zlib header
}
"""The window sizes to try for each content coding, although none is asked for (RFC 9110, section 8.4)."""


class Client:
    """An HTTP client for imports that keeps its connections open; create it in a running event loop.

    ``base_uri`` has no path; without ``tls``, the system's certificate authorities are trusted, and messages
    name ``roots`` as the settings for others.
    """

    def __init__(
        self,
        base_uri: str,
        tokens: TokenSource,
        *,
        tls: ssl.SSLContext | None = None,
        proxy: Proxy | None = None,
        roots: str = "SSL_CERT_FILE",
    ) -> None:
        self._base_uri = base_uri
        self._tokens = tokens
        self._route = Route(base_uri, proxy, roots)
        self._large = large_response_slots()
        self._kept, self._fresh = (
            _session(Connector(force_close=force_close, ssl=tls or True)) for force_close in (False, True)
        )

    async def __aenter__(self) -> Self:
        """Return the client; no connection is opened yet.

        Raises:
            UsageError: The base URI is plain http on ``localhost``, which is another machine.
        """
        try:
            await check_localhost(self._base_uri)
        except BaseException:  # also cancelled
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close all connections."""
        await self._kept.close()
        await self._fresh.close()

    async def get(self, ref: ImportRef, fresh: bool = False) -> Answer | Fault:  # noqa: FBT001, FBT002 (a Probe)
        """Return the response to one request, or a fault if there was none; reread the token after a 401.

        With ``fresh``, the request uses a new connection. A cancelled request returns a fault with its phase.
        """
        exchange = Exchange(self._large)
        try:
            return await self._exchange(ref, exchange, self._fresh if fresh else self._kept)
        except TokenError as error:
            return Fault(FaultKind.NETWORK, str(error))
        except REQUEST_ERRORS as error:
            if exchange.fields_too_large and exchange.phase is not Phase.PROXY:
                return headers_fault(self._route)
            return fault_of(error, self._route, exchange.phase, is_new=bool(exchange.sockets))
        except asyncio.CancelledError:  # it timed out
            return timeout_fault(self._route, exchange)
        finally:
            exchange.close()

    async def _exchange(
        self, ref: ImportRef, exchange: Exchange, session: aiohttp.ClientSession
    ) -> Answer | Fault:
        token, proxy = await self._tokens.get(), self._route.proxy
        exchange.token = token
        async with session.get(
            _url(self._base_uri, ref),
            allow_redirects=False,
            proxy=None if proxy is None else proxy.url,
            proxy_headers=None if proxy is None else proxy.headers,
        ) as response:
            if exchange.head_size > HEAD_LIMIT and _size(response.raw_headers) > HEAD_LIMIT:
                response.close()
                return headers_fault(self._route)
            exchange.begin_body(response.content)
            headers = _joined(response.headers)
            body, broken = await self._read(response, exchange)
        coding = _coding(headers.get("content-encoding", ""))
        if coding in _ZLIB_WINDOWS:
            await exchange.reserve()
            decompressed = _decompressed(body, coding)
            if decompressed is not None:
                body = decompressed
                del headers["content-encoding"]
        changed = response.status == HTTPStatus.UNAUTHORIZED and await self._tokens.is_replaced(token)
        return Answer(
            response.status,
            headers,
            body,
            broken,
            changed,
            conceal=self._tokens.conceal,
            memory=exchange.slot,
            peer=str(self._route),
        )

    async def _read(self, response: aiohttp.ClientResponse, exchange: Exchange) -> tuple[bytes, Fault | None]:
        """Read a body, or as much of it as arrives: status and headers count even if it is incomplete."""
        body = bytearray()
        broken = None
        try:
            while len(body) <= BODY_LIMIT and not response.content.at_eof():
                body += await response.content.read(_CHUNK)
                if len(body) > SMALL:
                    await exchange.reserve()
        except REQUEST_ERRORS as error:
            broken = fault_of(error, self._route, Phase.READING)
            if exchange.fields_too_large:  # endless trailers, or an endless chunk extension
                broken = replace(broken, detail=headers_fault(self._route).detail)
        except asyncio.CancelledError:  # the request timed out; its task still returns the response's head
            exchange.phase = Phase.READING
            broken = timeout_fault(self._route, exchange)
        if broken is not None or len(body) > BODY_LIMIT:
            response.close()
        return bytes(body[: BODY_LIMIT + 1]), broken


def _coding(field: str) -> str:
    """Return the content codings without ``identity``, which some gateways add (RFC 9110, section 12.5.3)."""
    codings = (coding.strip().lower() for coding in field.split(","))
    return ",".join(coding for coding in codings if coding not in {"", "identity"})


def _session(connector: Connector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),  # the caller cancels requests that take too long
        auto_decompress=False,  # aiohttp would not limit the size
        read_bufsize=_CHUNK,
        max_line_size=FIELD_LIMIT,
        max_field_size=FIELD_LIMIT,
        max_headers=MAX_FIELDS,
        headers={
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # a few hundred bytes need no compression
            "LD-API-Version": "20240415",
            "User-Agent": f"launchdarkly-import-watcher/{__version__}",
        },
    )


@lru_cache(maxsize=1024)
def _url(base_uri: str, ref: ImportRef) -> URL:
    return URL(base_uri + ref.path, encoded=True)


def _size(fields: Iterable[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) + 4 for name, value in fields)


def _decompressed(body: bytes, coding: str) -> bytes | None:
    """Return a decompressed body, or as much of it as the body limit allows; None if it is malformed."""
    for window in _ZLIB_WINDOWS[coding]:
        with suppress(zlib.error):
            return zlib.decompressobj(window).decompress(body, BODY_LIMIT + 1)
    return None


def _joined(fields: CIMultiDictProxy[str]) -> dict[str, str]:
    """Return header fields, names in lower case, repeated ones joined by commas (RFC 9110, section 5.3)."""
    joined = {name.lower(): value for name, value in fields.items()}
    if len(joined) == len(fields):
        return joined
    return {name: ", ".join(fields.getall(name)) for name in joined}
