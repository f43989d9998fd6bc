"""The functions of the library: one-time watches, the shared watcher, and the views of an event."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MethodType

from watcher.api.token import Secret
from watcher.core import defaults
from watcher.core.events import Ended, Event
from watcher.core.messages.progress import level_of, line_of
from watcher.core.model import ImportRef
from watcher.core.policy import Policy
from watcher.library.arguments import Token, WrongToken, checked_event, hide_token, origin
from watcher.library.watcher import DEFAULT_POLICY, Watcher
from watcher.state import snapshot


@dataclass(slots=True)
class _Shared:
    watcher: Watcher
    users: int = 0


_shared: dict[tuple[asyncio.AbstractEventLoop, object, str | None], _Shared] = {}


@asynccontextmanager
async def shared(*, token: Token, base_uri: str | None = None) -> AsyncIterator[Watcher]:
    """Share one ``Watcher`` with all users in this event loop of the same token and base URI.

    The first user creates it and the last one closes it. So all parts of a program, such as the triggers of a
    process, share one connection pool and one rate limiter.

    Args:
        token: As of ``Watcher``. Functions are compared by identity, bound methods by object
            and function.
        base_uri: As of ``Watcher``; None is not the same as the default host.

    Yields:
        The watcher, which is open.

    Raises:
        UsageError: An argument is invalid.
    """
    hidden = hide_token(token)
    del token  # a traceback may show the variables of this function
    identity = hidden if isinstance(hidden, Secret | Path | MethodType | WrongToken) else id(hidden)
    host = origin(base_uri)
    key = asyncio.get_running_loop(), identity, host
    entry = _shared.get(key)
    if entry is None:
        watcher = await Watcher(token=hidden, base_uri=host).__aenter__()  # does not wait
        entry = _shared[key] = _Shared(watcher)
    entry.users += 1
    try:
        yield entry.watcher
    finally:
        entry.users -= 1
        if not entry.users:
            del _shared[key]
            await entry.watcher.__aexit__()


async def watch(  # noqa: PLR0913 (all but one are keywords)
    refs: Iterable[ImportRef | str],
    *,
    token: Token,
    base_uri: str | None = None,
    policy: Policy = DEFAULT_POLICY,
    any_suffices: bool = False,
    fail_fast: bool = False,
    heartbeat: float = math.inf,
    request_timeout: float = defaults.REQUEST_TIMEOUT,
    resume: str | Iterable[str] | None = None,
) -> AsyncGenerator[Event, None]:
    """Watch imports until all waits have ended, and yield their events, with a ``Watcher`` for this call.

    The arguments, events and errors are those of ``Watcher`` and ``Watcher.watch``. If you leave the
    iteration early, close the generator, for example with ``contextlib.aclosing``.
    """
    hidden = hide_token(token)
    del token  # as in shared
    async with Watcher(token=hidden, base_uri=base_uri, request_timeout=request_timeout) as watcher:
        events = watcher.watch(
            refs,
            policy=policy,
            any_suffices=any_suffices,
            fail_fast=fail_fast,
            heartbeat=heartbeat,
            resume=resume,
        )
        async with aclosing(events):
            async for event in events:
                yield event


async def wait(
    ref: ImportRef | str,
    *,
    token: Token,
    base_uri: str | None = None,
    policy: Policy = DEFAULT_POLICY,
    request_timeout: float = defaults.REQUEST_TIMEOUT,
    resume: str | None = None,
) -> Ended:
    """Wait until one import is complete or reaches the status in ``policy.until``.

    It creates a ``Watcher`` for this call. The arguments, the result and the errors are those of ``Watcher``
    and ``Watcher.wait``.
    """
    hidden = hide_token(token)
    del token  # as in shared
    async with Watcher(token=hidden, base_uri=base_uri, request_timeout=request_timeout) as watcher:
        return await watcher.wait(ref, policy=policy, resume=resume)


def state_of(event: Event) -> str:
    """Return the state of an import's wait after an event, to be passed as ``resume`` to a later wait.

    It is versioned JSON, under 2 KiB with ten transitions, and contains no token. Save it before you act on
    the event: then a process that is killed in between repeats no event.
    """
    return snapshot.encode(checked_event(event))


def describe(event: Event) -> tuple[int, str] | None:
    """Return the level of an event, as in the logging module, and its text in one line.

    The text does not name the import, except that of ``Watching``. None is returned for a repetition, such as
    the second retry in a row.
    """
    line = line_of(checked_event(event))
    return None if line is None else (int(level_of(event)), line)
