"""Checks that plain http stays on this machine, by the address that a connection leads to."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from urllib.parse import urlsplit

import aiohttp

from watcher.api.hosts import is_loopback_address
from watcher.core.errors import UsageError
from watcher.core.messages import faults

_LOOKUP_TIMEOUT = 0.5
"""Longest lookup of ``localhost`` at the start, in seconds; the answer is usually in /etc/hosts."""


class NotLoopbackError(aiohttp.ClientConnectionError):
    """A connection without TLS leads to another machine; ``args`` has its address."""


async def check_localhost(base_uri: str) -> None:
    """Check the addresses of ``localhost`` if a base URI names it and is plain http.

    A lookup that fails or takes long is no error, because each connection is checked as well.

    Raises:
        UsageError: An address is not on loopback, so the access token could leave the machine.
    """
    parts = urlsplit(base_uri)
    if parts.scheme != "http" or parts.hostname != "localhost":
        return
    with suppress(OSError):  # including TimeoutError
        async with asyncio.timeout(_LOOKUP_TIMEOUT):
            found = await asyncio.get_running_loop().getaddrinfo("localhost", None, type=socket.SOCK_STREAM)
        for *_, address in found:
            if not is_loopback_address(str(address[0])):
                fact = faults.not_loopback("localhost", str(address[0]))
                raise UsageError(f"{fact}. Write 127.0.0.1, or use https.")


def check_loopback(transport: asyncio.Transport) -> None:
    """Check the address of a connection without TLS, before anything is sent on it.

    Raises:
        NotLoopbackError: It leads to another machine.
        ServerDisconnectedError: It is already closed.
    """
    address = transport.get_extra_info("peername")
    if address is None:  # the server closed it before asyncio could read the address
        raise aiohttp.ServerDisconnectedError
    if not is_loopback_address(address[0]):
        raise NotLoopbackError(address[0])
