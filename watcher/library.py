"""Waiting from within another asyncio program: it logs nothing, takes no signal and ends no process."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import aclosing
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from watcher.api.client import Client
from watcher.api.network import find_proxy, parse_base_uri
from watcher.api.targets import choose_base_uri, target_of
from watcher.api.token import FixedToken, TokenFile, parse_token
from watcher.core import defaults
from watcher.core.errors import UsageError, WaitError
from watcher.core.events import Ended
from watcher.core.policy import Policy, Terms
from watcher.core.statuses import SUCCESSES
from watcher.loop import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from watcher.api.targets import Target
    from watcher.api.token import TokenSource
    from watcher.core.events import Event
    from watcher.core.model import ImportRef
    from watcher.core.statuses import Outcome

_DEFAULT = Policy()


async def watch(
    refs: Iterable[ImportRef | str],
    *,
    token: str | Path,
    base_uri: str | None = None,
    policy: Policy = _DEFAULT,
    any_suffices: bool = False,
    fail_fast: bool = False,
    heartbeat: float = math.inf,
    request_timeout: float = defaults.REQUEST_TIMEOUT,
) -> AsyncGenerator[Event, None]:
    """Watches imports to their end, and yields what happens to them.

    They share one rate limit and at most 100 connections. ``HTTPS_PROXY``, ``NO_PROXY`` and ``SSL_CERT_FILE``
    are honoured. Whoever leaves the iteration early should close it, as ``contextlib.aclosing`` does.

    Args:
        refs: The imports, as references or as the command line takes them: four keys joined by ``/``, an API
            path or a URL. One that is named twice is watched once.
        token: The access token; or the path of a file with it, which is read again when the API refuses it.
        base_uri: Where the API is; None is the host of the targets that are URLs, else
            ``https://app.launchdarkly.com``.
        policy: What is waited for, for how long, and how often is asked.
        any_suffices: End all waits at the first that succeeds.
        fail_fast: End all waits at the first that fails.
        heartbeat: Longest silence in seconds, more than 0; infinite is without heartbeats.
        request_timeout: One request from connect to last byte, in seconds, more than 0; infinite is no limit.

    Yields:
        The events; the last of each import is its ``Ended``.

    Raises:
        UsageError: Something that was given cannot be; nothing was requested from the network.
    """
    targets = _targets(refs)
    _check(policy, heartbeat=heartbeat, request_timeout=request_timeout)
    origin = choose_base_uri(_base_uri(base_uri), targets, "base_uri")
    terms = Terms(
        policy=policy,
        succeeds=_succeeds,
        any_suffices=any_suffices,
        fail_fast=fail_fast,
        heartbeat=heartbeat,
        request_timeout=request_timeout,
    )
    client = Client(origin, _tokens(token), proxy=find_proxy(origin))
    unique = tuple(dict.fromkeys(target.ref for target in targets))
    async with (
        client,
        aclosing(Watch(unique, terms, client.get, Random()).events()) as events,  # noqa: S311 (jitter is no secret)
    ):
        async for event in events:
            yield event


async def wait(
    ref: ImportRef | str,
    *,
    token: str | Path,
    base_uri: str | None = None,
    policy: Policy = _DEFAULT,
    request_timeout: float = defaults.REQUEST_TIMEOUT,
) -> Ended:
    """Waits for one import to be complete, or to reach the status of ``policy.until``.

    Args:
        ref: The import, as ``watch`` takes it.
        token: The access token, or the path of a file with it.
        base_uri: Where the API is, as for ``watch``.
        policy: What is waited for, for how long, and how often is asked.
        request_timeout: One request from connect to last byte, in seconds, more than 0; infinite is no limit.

    Returns:
        The end, with the import as it was last seen and all of its transitions.

    Raises:
        WaitError: It ended in any other way; ``ended`` tells how.
        UsageError: Something that was given cannot be; nothing was requested from the network.
    """
    events = watch(
        [ref],
        token=token,
        base_uri=base_uri,
        policy=policy,
        request_timeout=request_timeout,
    )
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Ended):
                if not _succeeds(event.outcome):
                    raise WaitError(event)
                return event
    raise RuntimeError("a watch ended without the end of its import")


def _succeeds(outcome: Outcome) -> bool:
    return outcome in SUCCESSES


# What follows takes objects: a program need not have been checked for types, and finds out here.


def _targets(refs: object) -> list[Target]:
    if isinstance(refs, str) or not isinstance(refs, Iterable):
        raise UsageError("refs must be a list of imports; write for one import [ref]")
    targets = [target_of(ref) for ref in refs]
    if not targets:
        raise UsageError("no import is named")
    return targets


def _check(policy: object, **lengths: object) -> None:
    if not isinstance(policy, Policy):
        raise UsageError(f"policy must be a Policy, not {type(policy).__name__}")
    for name, length in lengths.items():
        if not (isinstance(length, int | float) and length > 0):  # also refuses nan
            raise UsageError(f"{name} must be more than 0 seconds, and is {length!r}; math.inf is no limit")


def _base_uri(given: object) -> str | None:
    if given is None:
        return None
    if not isinstance(given, str):
        raise UsageError(f"base_uri must be a str, not {type(given).__name__}")
    return parse_base_uri(given, "base_uri")


def _tokens(token: object) -> TokenSource:
    if isinstance(token, Path):
        return TokenFile(token, "token")
    if isinstance(token, str):
        return FixedToken(parse_token(token, "token"))
    raise UsageError(f"token must be the access token as a str, or a Path, not {type(token).__name__}")
