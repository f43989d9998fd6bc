"""The object that watches imports at any time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from random import Random
from typing import Self

from watcher.api.client import Client
from watcher.api.proxy import find_proxy
from watcher.api.targets import choose_base_uri
from watcher.api.tls import tls_context
from watcher.api.token import Secret
from watcher.api.token_sources import TokenFile
from watcher.core import defaults
from watcher.core.errors import UsageError, WaitError, WatcherError
from watcher.core.events import Ended, Event
from watcher.core.model import ImportRef
from watcher.core.policy import Policy, Terms
from watcher.core.statuses import SUCCESSES
from watcher.library.arguments import (
    Token,
    WrongToken,
    checked_policy,
    hide_token,
    origin,
    parse_targets,
    positive,
    saved_state,
    token_source,
)
from watcher.loop.loop import CLOSED, Loop, finish
from watcher.loop.watch import Watch

DEFAULT_POLICY = Policy()


class Watcher:
    """Watch imports at any time, with one connection pool and one rate limiter per base URI and token.

    Use it as an async context manager, which can be entered once, and call ``watch`` and ``wait`` as often as
    needed, from any task of the same event loop. All imports share the rate limit of their base URI and at
    most 100 connections; two waits for the same import share its polls. ``HTTPS_PROXY``, ``NO_PROXY`` and
    ``SSL_CERT_FILE`` apply. Leaving the context ends all watches: those that are still being read raise
    ``WatcherError``.

    Args:
        token: The access token, the path of a file that contains it, or an async function that returns it.
            The file is read again, and the function is called again, after a 401; if the token has changed,
            the request is repeated. An error in the function is a fault like one of the network: the request
            is retried, and the wait ends as ``unavailable`` when its outage budget is exhausted. A
            ``BaseException`` such as ``SystemExit`` is raised by all current watches of the host. A pipe is
            read only once; no timeout applies while a watch waits for it.
        base_uri: Scheme and host of the API. None selects, for each call, the host of targets that are URLs
            of LaunchDarkly, else ``https://app.launchdarkly.com``.
        request_timeout: Longest request in seconds, connect to last byte, greater than 0; infinite for no
            limit. The time that a token function takes is included.

    Raises:
        UsageError: An argument is invalid.
    """

    def __init__(
        self,
        *,
        token: Token | Secret | WrongToken,
        base_uri: str | None = None,
        request_timeout: float = defaults.REQUEST_TIMEOUT,
    ) -> None:
        hidden = hide_token(token)
        del token  # a traceback may show the variables of this function
        self._token = token_source(hidden)
        self._base_uri = origin(base_uri)
        self._request_timeout = positive("request_timeout", request_timeout)
        self._stack = AsyncExitStack()
        self._lock = asyncio.Lock()
        self._openings: dict[str, asyncio.Task[Loop]] = {}
        self._event_loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        """Open the watcher; the first watch reads a token file and opens connections.

        Raises:
            UsageError: It was entered before.
        """
        if self._event_loop is not None:
            raise UsageError("this Watcher was entered before. Create another one.")
        self._event_loop = asyncio.get_running_loop()
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Cancel all requests, end all watches and close all connections."""
        self._closed = True
        await finish(self._close())

    async def watch(
        self,
        refs: Iterable[ImportRef | str],
        *,
        policy: Policy = DEFAULT_POLICY,
        any_suffices: bool = False,
        fail_fast: bool = False,
        heartbeat: float = math.inf,
        resume: str | Iterable[str] | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Watch imports until all waits have ended, and yield their events.

        Leaving the iteration withdraws the imports: no further request is sent for them. Do so with
        ``contextlib.aclosing``; after a mere ``break``, Python closes the generator a moment later.

        Events are kept for a slow consumer and none is lost. After 100 unread events (for many imports, three
        for each) the imports are not polled until the events are read; a deadline that passes meanwhile
        applies after one more poll. Other watches are never delayed.

        Args:
            refs: The imports: references, or text as on the command line (four keys joined by ``/``, an API
                path or a URL). An import that is named twice is watched once.
            policy: What to wait for, how long, and how often to poll.
            any_suffices: End all waits when the first one succeeds.
            fail_fast: End all waits when the first one fails.
            heartbeat: Longest time in seconds without an event, greater than 0; infinite for no heartbeats.
            resume: States from ``state_of``. The wait for an import with a state continues: its clocks count
                from its first begin, what was reported is not reported again, and no ``Watching`` event
                follows. A final import is not polled; its only event is ``Ended``. States of other imports
                are ignored; of two states of one import the last one counts.

        Yields:
            The events; the last one of each import is its ``Ended``.

        Raises:
            UsageError: An argument is invalid, the token file cannot be read, or the watcher is not open; no
                request was sent. (``Policy`` itself raises ValueError.)
            WatcherError: The watcher was closed during the watch.
        """
        targets = parse_targets(refs)
        terms = Terms(
            policy=checked_policy(policy),
            succeeds=lambda outcome: outcome in SUCCESSES,
            any_suffices=any_suffices,
            fail_fast=fail_fast,
            heartbeat=positive("heartbeat", heartbeat),
        )
        unique = tuple(dict.fromkeys(target.ref for target in targets))
        saved = saved_state(resume, unique)
        loop = await self._loop_for(choose_base_uri(self._base_uri, targets, "base_uri"))
        watch = Watch(loop, unique, terms, saved=saved, announced=saved.waits.keys())
        async with aclosing(watch.events()) as events:
            async for event in events:
                yield event

    async def wait(
        self, ref: ImportRef | str, *, policy: Policy = DEFAULT_POLICY, resume: str | None = None
    ) -> Ended:
        """Wait until one import is complete or reaches the status in ``policy.until``.

        The arguments are those of ``watch``. Cancelling the call withdraws the import.

        Returns:
            The import's last event, with its last known fields and all transitions.

        Raises:
            WaitError: The wait ended in any other way; ``ended`` is the import's last event.
            UsageError: As for ``watch``; no request was sent.
            WatcherError: The watcher was closed during the wait.
        """
        async with aclosing(self.watch([ref], policy=policy, resume=resume)) as events:
            async for event in events:
                if isinstance(event, Ended):
                    if event.outcome not in SUCCESSES:
                        raise WaitError(event)
                    return event
        raise RuntimeError("the watch ended without an Ended event")

    def _check_open(self) -> None:
        if self._closed:
            raise UsageError("this Watcher is closed. Create another one.")
        if self._event_loop is None:
            raise UsageError("this Watcher is not open. Use it inside `async with Watcher(…) as watcher:`.")
        if self._event_loop is not asyncio.get_running_loop():
            raise UsageError("this Watcher belongs to another event loop. Create one in each event loop.")

    async def _loop_for(self, base_uri: str) -> Loop:
        """Return the loop of a base URI, which the first watch opens for all."""
        self._check_open()
        opening = self._openings.get(base_uri)
        if opening is None or (opening.done() and opening.exception() is not None):
            opening = self._openings[base_uri] = asyncio.create_task(self._open_loop(base_uri))
        await asyncio.wait([opening])  # unlike `await opening`, a cancelled watch does not cancel it
        if self._closed:
            raise WatcherError(CLOSED)
        return opening.result()

    async def _open_loop(self, base_uri: str) -> Loop:
        async with self._lock:  # a token file that is a pipe can be read only once
            if isinstance(self._token, Path):
                self._token = await TokenFile.opened(self._token, "token")
        tls, proxy = tls_context(None, "ca_file", base_uri), find_proxy(base_uri)
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(Client(base_uri, self._token, tls=tls, proxy=proxy))
            random = Random()  # noqa: S311 (jitter is no secret)
            loop = Loop(client.get, random, request_timeout=self._request_timeout)
            await stack.enter_async_context(loop)
            self._stack.push_async_exit(stack.pop_all())
        return loop

    async def _close(self) -> None:
        openings = self._openings.values()
        for opening in openings:
            opening.cancel()
        await asyncio.gather(*openings, return_exceptions=True)
        await self._stack.aclose()
