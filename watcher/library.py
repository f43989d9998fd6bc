"""Waiting from within another asyncio program: no logging, no signal handlers, no process exit."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from pathlib import Path
from random import Random

from watcher.api.client import Client
from watcher.api.hosts import parse_base_uri
from watcher.api.proxy import find_proxy
from watcher.api.targets import Target, choose_base_uri, target_of
from watcher.api.tls import tls_context
from watcher.api.token import Secret, TokenFile, TokenSource, check_token
from watcher.core import defaults
from watcher.core.errors import UsageError, WaitError
from watcher.core.events import Ended, Event
from watcher.core.model import ImportRef
from watcher.core.policy import Policy, Terms
from watcher.core.statuses import SUCCESSES
from watcher.loop import Watch

_DEFAULT_POLICY = Policy()


async def watch(
    refs: Iterable[ImportRef | str],
    *,
    token: str | Path,
    base_uri: str | None = None,
    policy: Policy = _DEFAULT_POLICY,
    any_suffices: bool = False,
    fail_fast: bool = False,
    heartbeat: float = math.inf,
    request_timeout: float = defaults.REQUEST_TIMEOUT,
) -> AsyncGenerator[Event, None]:
    """Watch imports until all waits have ended, and yield their events.

    The imports share one rate limit and at most 100 connections. ``HTTPS_PROXY``, ``NO_PROXY`` and
    ``SSL_CERT_FILE`` apply. If you leave the iteration early, close the generator, for example with
    ``contextlib.aclosing``.

    Args:
        refs: The imports: references, or text as on the command line (four keys joined by ``/``, an API path
            or a URL). An import that is named twice is watched once.
        token: The access token, or the path of a file that contains it. The file is read again after a 401.
        base_uri: Scheme and host of the API. None selects the host of targets that are URLs, else
            ``https://app.launchdarkly.com``.
        policy: What to wait for, how long, and how often to poll.
        any_suffices: End all waits when the first one succeeds.
        fail_fast: End all waits when the first one fails.
        heartbeat: Longest time in seconds without an event, greater than 0; infinite for no heartbeats.
        request_timeout: Longest request in seconds, connect to last byte, greater than 0; infinite for no
            limit.

    Yields:
        The events; the last one of each import is its ``Ended``.

    Raises:
        UsageError: An argument is invalid; no request was sent. (``Policy`` itself raises ValueError.)
    """
    held = _held(token)
    del token  # a traceback may show the variables of this function
    targets = _parse_targets(refs)
    for name, length in (("heartbeat", heartbeat), ("request_timeout", request_timeout)):
        if not length > 0:  # True for nan
            raise UsageError(
                f"{name} must be more than 0 seconds, not {length!r}. Use math.inf for no limit."
            )
    given = None if base_uri is None else parse_base_uri(base_uri, "base_uri")
    origin = choose_base_uri(given, targets, "base_uri")
    terms = Terms(
        policy=policy,
        succeeds=lambda outcome: outcome in SUCCESSES,
        any_suffices=any_suffices,
        fail_fast=fail_fast,
        heartbeat=heartbeat,
        request_timeout=request_timeout,
    )
    unique = tuple(dict.fromkeys(target.ref for target in targets))
    tls = tls_context(None, "ca_file", origin)
    tokens = await _token_source(held)
    async with Client(origin, tokens, tls=tls, proxy=find_proxy(origin)) as client:
        events = Watch(unique, terms, client.get, Random()).events()  # noqa: S311 (jitter is no secret)
        async with aclosing(events):
            async for event in events:
                yield event


async def wait(
    ref: ImportRef | str,
    *,
    token: str | Path,
    base_uri: str | None = None,
    policy: Policy = _DEFAULT_POLICY,
    request_timeout: float = defaults.REQUEST_TIMEOUT,
) -> Ended:
    """Wait until one import is complete or reaches the status in ``policy.until``.

    The arguments are those of ``watch``.

    Returns:
        The import's last event, with its last known fields and all transitions.

    Raises:
        WaitError: The wait ended in any other way; ``ended`` is the import's last event.
        UsageError: An argument is invalid; no request was sent.
    """
    events = watch([ref], token=token, base_uri=base_uri, policy=policy, request_timeout=request_timeout)
    del token  # as in watch
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Ended):
                if event.outcome not in SUCCESSES:
                    raise WaitError(event)
                return event
    raise RuntimeError("the watch ended without an Ended event")


def _parse_targets(refs: object) -> list[Target]:
    if isinstance(refs, str) or not isinstance(refs, Iterable):  # types allow a str
        raise UsageError("refs must be a list of imports. For one import write [ref].")
    targets = [target_of(ref) for ref in refs]
    if not targets:
        raise UsageError("refs is empty. Name at least one import.")
    return targets


def _held(token: object) -> Path | Secret | type:
    """Return a path as it is, text as a secret, and the type of anything else."""
    if isinstance(token, Path):
        return token
    return Secret(token) if isinstance(token, str) else type(token)  # not None, as from os.environ.get


async def _token_source(held: Path | Secret | type) -> TokenSource:
    match held:
        case Path():
            return await TokenFile.opened(held, "token")
        case Secret():
            return TokenSource(check_token(held, "token"))
        case _:
            raise UsageError(
                f"token must be an access token (str) or the Path of a file, not {held.__name__}"
            )
