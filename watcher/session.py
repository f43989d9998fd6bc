"""One run: the client, the loop, the reports and the signals put together."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, aclosing, contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import msgspec

from watcher.client import Client
from watcher.credentials import hint_at_wrong_key
from watcher.network import find_proxy, tls_context
from watcher.reporting import make_files, make_log, make_output
from watcher.reports.report import Reports
from watcher.reports.result import Ledger
from watcher.reports.variables import variables
from watcher.reports.words import Level
from watcher.watch import LAST_CALL, Terms, Watch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watcher.core.model import ImportRef
    from watcher.settings import Settings

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

LONGEST_GOODBYE = 0.9
"""Seconds after a signal within which the process ends, though nobody reads what it writes."""


def run_session(settings: Settings) -> Finished:
    """Watches what the settings name.

    Args:
        settings: What to do.

    Returns:
        How it ended.

    Raises:
        UsageError: The settings cannot be, which shows before the first request.
    """
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(_ImpatientExecutor())
        return runner.run(_Session(settings).watch())


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run ended.

    Attributes:
        code: The exit code.
        variables: What a command that runs after it may want to know.
    """

    code: int
    variables: Mapping[str, str]


class _Session:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ledger = Ledger(settings.exit_codes, any_suffices=settings.any_suffices)
        self._log = make_log(settings)
        self._files = Reports(make_files(settings, self._ledger), self._complain)
        self._output = Reports([make_output(settings, self._ledger)], self._complain)
        self._watch: Watch | None = None
        self._signal: int | None = None

    async def watch(self) -> Finished:
        settings = self._settings
        async with AsyncExitStack() as stack:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(self._report_defect)
            stack.enter_context(self._receiving_signals(loop))
            stack.callback(self._log.close)
            refs, base_uri = settings.refs, settings.base_uri
            if settings.demo is not None:
                refs, base_uri = await self._start_demo(stack, settings.demo)
            self._hint_at_wrong_key()
            client = Client(
                base_uri,
                settings.tokens,
                request_timeout=settings.request_timeout,
                tls=tls_context(settings.ca_file),
                proxy=find_proxy(base_uri),
            )
            await stack.enter_async_context(client)
            await self._follow(Watch(refs, _terms(settings), client.get, Random()))  # noqa: S311 (jitter is no secret)
            return self._conclude()

    async def _start_demo(self, stack: AsyncExitStack, scenario: str) -> tuple[tuple[ImportRef, ...], str]:
        from watcher.demo import playing  # noqa: PLC0415 (a server that only the demo needs)

        demo = await stack.enter_async_context(playing(scenario, self._settings.tokens.current()))
        message = f"demo: a simulated LaunchDarkly plays the scenario '{scenario}' at {demo.base_uri}"
        self._log.say(Level.INFO, "demo", message)
        return (demo.ref,), demo.base_uri

    async def _follow(self, watch: Watch) -> None:
        self._watch = watch
        if self._signal is not None:
            watch.interrupt(self._signal)
        async with aclosing(watch.events()) as events:
            async for event in events:
                self._ledger.receive(event)
                # What is written for machines first: nobody may be reading the terminal or the pipe.
                self._files.receive(event)
                self._log.receive(event)
                self._output.receive(event)

    def _conclude(self) -> Finished:
        conclusion = self._ledger.conclude()
        self._files.conclude(conclusion)
        self._log.conclude(conclusion, self._ledger.ends)
        self._output.conclude(conclusion)
        result = msgspec.json.encode(self._ledger.document()).decode()
        return Finished(conclusion.code, {**variables(conclusion), "WATCHER_RESULT_JSON": result})

    def _complain(self, message: str) -> None:
        self._log.say(Level.ERROR, "report_failed", message)

    def _report_defect(self, _loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        # An error of aiohttp's is never formatted: it carries the token.
        name = type(context.get("exception")).__name__
        self._log.say(Level.WARNING, "internal", f"a background task failed ({name}); the watch goes on")

    def _hint_at_wrong_key(self) -> None:
        hint = hint_at_wrong_key(self._settings.tokens.current())
        if hint is not None:
            self._log.say(Level.WARNING, "hint", hint)

    @contextmanager
    def _receiving_signals(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        def receive(number: int, _frame: object) -> None:
            # Not the loop's own handlers: those would not run while a write to a full pipe blocks.
            if self._signal is not None:
                os._exit(128 + number)
            self._signal = number
            loop.call_soon_threadsafe(self._interrupt, number)
            last_resort = threading.Timer(LONGEST_GOODBYE, os._exit, (128 + number,))
            last_resort.daemon = True
            last_resort.start()

        numbers = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        for number in numbers:
            signal.signal(number, receive)
        try:
            yield
        finally:
            for number in numbers:
                signal.signal(number, signal.SIG_IGN)  # the end has been told and stays what it is

    def _interrupt(self, number: int) -> None:
        if self._watch is not None:
            self._watch.interrupt(number)


def _terms(settings: Settings) -> Terms:
    codes = settings.exit_codes
    return Terms(
        policy=settings.policy,
        succeeds=lambda outcome: codes.code(outcome) == 0,
        any_suffices=settings.any_suffices,
        fail_fast=settings.fail_fast,
        heartbeat=settings.heartbeat,
        # With --request-timeout 0 a request may take any time, but must not outlast the wait for ever.
        longest_request=settings.request_timeout if math.isfinite(settings.request_timeout) else LAST_CALL,
    )


class _ImpatientExecutor(ThreadPoolExecutor):
    """Looks names up; at the end it leaves a lookup that hangs behind, which no signal could stop."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:  # noqa: ARG002, FBT001, FBT002 (the base class's signature)
        super().shutdown(wait=False, cancel_futures=cancel_futures)
