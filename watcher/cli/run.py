"""One run: the client, the loop, the reports and the signals put together."""

from __future__ import annotations

import asyncio
import errno
import math
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from watcher.api.client import Client
from watcher.api.network import find_proxy, tls_context
from watcher.api.token import hint_at_wrong_key
from watcher.cli.misspelt import hints_at_misspelt
from watcher.cli.parse import variables as variables_of_options
from watcher.cli.reporting import make_files, make_log, make_log_of_changes, make_output
from watcher.cli.signals import Signals
from watcher.core.messages.progress import Level
from watcher.core.policy import Terms
from watcher.core.wait.saved import SavedState
from watcher.loop import Watch, system_clock
from watcher.reports.dotenv import variables
from watcher.reports.http.snapshot import Snapshot
from watcher.reports.report import Reports
from watcher.reports.results import ResultBuilder

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from watcher.api.network import Address
    from watcher.cli.settings import Settings
    from watcher.core.events import Ended, Heartbeat
    from watcher.core.exit_codes import Result
    from watcher.core.model import ImportRef
    from watcher.reports.http.sidecar import Sidecar
    from watcher.state.store import StateStore

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def run_session(settings: Settings, *, hands_over: bool = False) -> Finished:
    """Watches what the settings name.

    Args:
        settings: What to do.
        hands_over: Whether a command takes the process over after a success.

    Returns:
        How it ended.

    Raises:
        UsageError: The settings cannot be, which shows before the first request.
    """
    runner = asyncio.Runner()
    try:
        runner.get_loop().set_default_executor(_ImpatientExecutor())
        return runner.run(_watch(settings, hands_over=hands_over))
    finally:
        with suppress(RuntimeError):  # closing wants a thread; without one, the end stays as it was told
            runner.close()


async def _watch(settings: Settings, *, hands_over: bool) -> Finished:
    # Within the loop: a report that is made may write at once, and leave the rest to the loop.
    return await _Session(settings, hands_over=hands_over).watch()


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run ended.

    Attributes:
        result: With which outcome and code.
        builder: All that is known of the imports.
        signal: The number of a signal that came, be it after the end.
    """

    result: Result
    builder: ResultBuilder
    signal: int | None = None

    def variables(self) -> dict[str, str]:
        """Tells the result to a command that runs after it.

        Returns:
            Environment variables.
        """
        result = b"".join(self.builder.encode()).decode()
        return {**variables(self.result), "WATCHER_RESULT_JSON": result}


class _Session:
    def __init__(self, settings: Settings, *, hands_over: bool) -> None:
        self._settings = settings
        self._builder = ResultBuilder(settings.exit_codes, any_suffices=settings.any_suffices)
        self._keeper: StateStore | None = None
        if settings.tells_changes:
            self._log = make_log_of_changes(settings, self._standing, self._is_news)
        else:
            self._log = make_log(settings, self._standing)
        self._files = Reports(make_files(settings, self._builder), self._complain)
        self._output = Reports([make_output(settings, self._builder, self._is_news)], self._complain)
        self._watch: Watch | None = None
        self._sidecar: Sidecar | None = None
        self._result: Result | None = None
        self._signals = Signals(self._interrupt, hands_over=hands_over)

    async def watch(self) -> Finished:
        settings = self._settings
        async with AsyncExitStack() as stack:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(self._report_defect)
            stack.enter_context(self._signals.received())
            stack.callback(self._log.close)
            if settings.listen is not None:
                await self._start_sidecar(stack, settings.listen)
            async with AsyncExitStack() as connections:
                await self._follow(await self._connect(connections))
                finished = self._conclude()
                self._signals.told(finished.result.code)
            if self._sidecar is not None:
                self._sidecar.publish()
            if settings.linger and self._signals.number is None:
                await self._linger(finished.result.code)
        # One may have come while a slow reader was waited for.
        return replace(finished, signal=self._signals.number)

    async def _connect(self, stack: AsyncExitStack) -> Watch:
        settings = self._settings
        refs, base_uri = settings.refs, settings.base_uri
        if settings.demo is not None:
            refs, base_uri = await self._start_demo(stack, settings.demo)
        past, keep = SavedState(), None
        if settings.state_file is not None:
            from watcher.state.store import open_store  # noqa: PLC0415 (only here)

            keeper = self._keeper = open_store(settings.state_file, base_uri, refs, self._complain)
            stack.callback(keeper.close)
            past, keep = keeper.saved, keeper.save
        self._hint()
        client = Client(
            base_uri,
            settings.tokens,
            tls=tls_context(settings.ca_file),
            proxy=find_proxy(base_uri),
        )
        await stack.enter_async_context(client)
        random = Random()  # noqa: S311 (jitter is no secret)
        return Watch(refs, _terms(settings), client.get, random, saved=past, save=keep)

    def _is_news(self, end: Ended) -> bool:
        return self._keeper is None or self._keeper.is_changed(end)

    async def _start_sidecar(self, stack: AsyncExitStack, address: Address) -> None:
        from watcher.reports.http.sidecar import open_sidecar  # noqa: PLC0415 (a server that few runs need)

        self._sidecar = await open_sidecar(address, self._snapshot)
        stack.enter_context(self._sidecar.serving())
        self._log.say(
            Level.INFO, "serving", f"serving /healthz, /readyz, /status and /metrics at {self._sidecar.url}"
        )

    async def _linger(self, code: int) -> None:
        self._log.say(Level.INFO, "lingering", f"serving on until a signal, which then ends with {code}")
        await self._signals.wait()

    async def _start_demo(self, stack: AsyncExitStack, scenario: str) -> tuple[tuple[ImportRef, ...], str]:
        from watcher.cli.demo import playing  # noqa: PLC0415 (a server that only the demo needs)

        demo = await stack.enter_async_context(playing(scenario, self._settings.tokens.current()))
        message = f"demo: a simulated LaunchDarkly plays the scenario '{scenario}' at {demo.base_uri}"
        self._log.say(Level.INFO, "demo", message)
        return (demo.ref,), demo.base_uri

    async def _follow(self, watch: Watch) -> None:
        self._watch = watch
        if self._signals.number is not None:
            watch.interrupt(self._signals.number)
        if self._sidecar is not None:
            # As soon as every wait has begun; what changes later shows at the next pulse.
            asyncio.get_running_loop().call_soon(self._sidecar.publish)
        async with aclosing(watch.events()) as events:
            async for event in events:
                self._builder.receive(event)
                # What is written for machines first: nobody may be reading the terminal or the pipe.
                self._files.receive(event)
                self._log.receive(event)
                self._output.receive(event)

    def _standing(self, ref: ImportRef) -> Heartbeat | None:
        return None if self._watch is None else self._watch.standing(ref)

    def _snapshot(self) -> Snapshot:
        wakes_at = math.inf
        if self._watch is not None and self._result is None:
            self._builder.update(self._watch.progress())
            wakes_at = self._watch.wakes_at
        return Snapshot(system_clock(), self._builder.copy(), wakes_at, self._result)

    def _conclude(self) -> Finished:
        result = self._result = self._builder.finish()
        self._files.finish(result)
        self._log.finish(result, self._builder.ends)
        self._output.finish(result)
        if self._keeper is not None:
            self._keeper.record_outcomes(self._builder.ends)
        return Finished(result, self._builder)

    def _complain(self, message: str) -> None:
        self._log.say(Level.ERROR, "report_failed", message)

    def _report_defect(self, _loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        # An error of aiohttp's is never formatted: it carries the token.
        name = type(context.get("exception")).__name__
        self._log.say(Level.WARNING, "internal", f"a background task failed ({name}); the watch goes on")

    def _hint(self) -> None:
        for hint in (
            hint_at_wrong_key(self._settings.tokens.current()),
            *hints_at_misspelt(os.environ, variables_of_options()),
        ):
            if hint is not None:
                self._log.say(Level.WARNING, "hint", hint)

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
        request_timeout=settings.request_timeout,
    )


class _ImpatientExecutor(ThreadPoolExecutor):
    """Looks names up; at the end it leaves a lookup that hangs behind, which no signal could stop."""

    def submit(
        self, fn: Callable[_Arguments, _Result], /, *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> Future[_Result]:
        """Looks up, or fails as a lookup does where the system has no thread for it."""
        try:
            return super().submit(fn, *args, **kwargs)
        except RuntimeError:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:  # noqa: ARG002, FBT001, FBT002 (the base class's signature)
        super().shutdown(wait=False, cancel_futures=cancel_futures)
