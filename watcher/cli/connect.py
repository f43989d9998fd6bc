"""Everything that a watch needs: the inputs, the demo, the state file, TLS, and the client with its loop."""

from __future__ import annotations

import os
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from watcher.api.client import Client
from watcher.api.proxy import find_proxy
from watcher.api.targets import shown
from watcher.api.tls import tls_context
from watcher.cli.mistakes import find_hints
from watcher.core.messages.progress import Level
from watcher.core.wait.saved import SavedState, SavedWait
from watcher.loop.loop import Loop
from watcher.loop.watch import Watch

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from watcher.cli.inputs import InputReader, Inputs
    from watcher.cli.reading import ThreadReader
    from watcher.core.policy import Terms
    from watcher.state.store import StateStore

    Warn = Callable[[str, str], None]

_SHORT_READ = 1.0
"""Seconds up to which a read does not count as a part of the wait."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A watch that can begin; ``notices`` are level, name and text of what the user should know before."""

    watch: Watch
    inputs: Inputs
    store: StateStore | None
    notices: Sequence[tuple[Level, str, str]]


async def connect(
    stack: AsyncExitStack, inputs: InputReader, terms: Terms, reader: ThreadReader, warn: Warn
) -> Connected:
    """Read the inputs and prepare the watch, which lasts until ``stack`` is closed.

    The wait begins before the reads, so that ``--timeout`` includes them. ``warn`` is called with the name
    and the text of each warning.

    Raises:
        UsageError: The settings are wrong.
        BusyError: Another run is using the state file.
        Unread: A read has not returned in time.
    """
    settings, began = inputs.settings, time.monotonic()
    named = await reader.call(inputs.read) if inputs.may_block else inputs.read()
    notices: list[tuple[Level, str, str]] = []
    if settings.demo is not None:
        named = await _start_demo(stack, settings.demo, named)
        text = f"demo: simulated LaunchDarkly at {named.base_uri}, scenario '{settings.demo}'"
        notices.append((Level.INFO, "demo", text))
    elif named.foreign_host is not None:
        notices.append((Level.INFO, "base_uri", named.foreign_host))
    hints = find_hints(named.tokens.current(), os.environ)
    notices += [(Level.WARNING, "hint", hint) for hint in hints]
    tls = await _tls(settings.ca_file, inputs, reader, named.base_uri)
    age = time.monotonic() - began
    if age < _SHORT_READ:
        age = 0.0
    store = _open_store(stack, settings.state_file, named, age, warn)
    loop = await _start_loop(stack, named, tls, terms, warn)
    saved, save = _begun(named, age), None
    if store is not None:
        saved, save = store.saved, store.save
    watch = Watch(loop, named.refs, _extend_appear_within(terms, age), saved=saved, save=save)
    return Connected(watch, named, store, notices)


async def _start_demo(stack: AsyncExitStack, scenario: str, named: Inputs) -> Inputs:
    from watcher.cli.demo import running_demo  # noqa: PLC0415 (a server that only the demo needs)

    ref, base_uri = await stack.enter_async_context(running_demo(scenario, named.tokens.current()))
    return replace(named, refs=(ref,), base_uri=base_uri)


async def _tls(
    path: Path | None, inputs: InputReader, reader: ThreadReader, base_uri: str
) -> ssl.SSLContext | None:
    load = partial(tls_context, path, "--ca-file", base_uri)
    if path is None and not os.environ.get("SSL_CERT_FILE"):
        return load()
    inputs.reading.begin("SSL_CERT_FILE" if path is None else f"--ca-file {shown(str(path))}")
    return await reader.call(load)


def _open_store(
    stack: AsyncExitStack, path: Path | None, named: Inputs, age: float, warn: Warn
) -> StateStore | None:
    if path is None:
        return None
    from watcher.state.store import open_store  # noqa: PLC0415 (only here)

    def seal(text: str) -> str:
        return named.tokens.current().seal(text)

    warn_of_file = partial(warn, "state_file")
    opening = open_store(path, named.base_uri, named.refs, warn_of_file, age=age, seal=seal)
    return stack.enter_context(opening)


async def _start_loop(
    stack: AsyncExitStack, named: Inputs, tls: ssl.SSLContext | None, terms: Terms, warn: Warn
) -> Loop:
    proxy, roots = find_proxy(named.base_uri), "--ca-file or SSL_CERT_FILE"
    client = Client(named.base_uri, named.tokens, tls=tls, proxy=proxy, roots=roots)
    await stack.enter_async_context(client)
    random = Random()  # noqa: S311 (jitter is no secret)
    warn_of_time = partial(warn, "implausible_time")
    loop = Loop(client.get, random, request_timeout=terms.request_timeout, warn=warn_of_time)
    return await stack.enter_async_context(loop)


def _begun(named: Inputs, age: float) -> SavedState:
    """Return the state of new waits that began ``age`` seconds ago."""
    began = time.time() - age
    return SavedState({ref: SavedWait(began) for ref in named.refs} if age else {})


def _extend_appear_within(terms: Terms, age: float) -> Terms:
    """Let the patience for a new import begin after the reads: standard input may have named it just now."""
    policy = terms.policy
    if not policy.appear_within:
        return terms
    return replace(terms, policy=replace(policy, appear_within=policy.appear_within + age))
