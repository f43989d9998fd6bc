"""One run: the watch, its reports, its endpoints, and the signals that end it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass
from functools import partial
from signal import Signals as Signal
from typing import TYPE_CHECKING

from watcher.api.threads import LookupExecutor
from watcher.cli.connect import Connected, connect
from watcher.cli.outputs import make_failure_reports, make_first_reports, make_reports
from watcher.cli.reading import ThreadReader, Unread
from watcher.core.errors import UsageError
from watcher.core.exit_codes import ExitCodes, Result
from watcher.core.messages.progress import Level
from watcher.core.statuses import Outcome
from watcher.core.text import duration
from watcher.reports.dotenv import variables
from watcher.reports.report import Reports
from watcher.reports.results import ResultBuilder

if TYPE_CHECKING:
    from watcher.cli.inputs import InputReader
    from watcher.cli.settings import Settings
    from watcher.cli.signals import Signals
    from watcher.core.policy import Terms
    from watcher.loop.watch import Watch
    from watcher.reports.http.app import Endpoints


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that has ended and has been reported."""

    result: Result
    builder: ResultBuilder

    def variables(self) -> dict[str, str]:
        """Return the environment variables for a command that runs after it."""
        document = b"".join(self.builder.encode(self.result)).decode()
        return {**variables(self.result), "WATCHER_RESULT_JSON": document}


def run_watch(
    settings: Settings, inputs: InputReader, terms: Terms, signals: Signals, *, has_command: bool
) -> Finished:
    """Watch the imports and report what happens; ``has_command`` if a command follows a success.

    Raises:
        UsageError: The settings are wrong, which shows before the first request.
        BusyError: Another run is using the state file.
    """

    async def run() -> Finished:
        # Inside the loop, because a report may write as soon as it is made and leave the rest to the loop.
        return await _Run(settings, inputs, signals, has_command=has_command).run(terms)

    runner = asyncio.Runner()
    try:
        runner.get_loop().set_default_executor(LookupExecutor())
        return runner.run(run())
    finally:
        with suppress(RuntimeError):  # closing needs a thread; without one, the result stays as reported
            runner.close()


class _Run:
    def __init__(
        self, settings: Settings, inputs: InputReader, signals: Signals, *, has_command: bool
    ) -> None:
        self._settings = settings
        self._inputs = inputs
        self._signals = signals
        self._has_command = has_command
        self._builder = ResultBuilder(settings.exit_codes, any_suffices=settings.any_suffices)
        # Until the imports are known, which the other reports need.
        self._reports = Reports(make_first_reports(settings, self._builder), inputs.conceal)
        self._watch: Watch | None = None

    async def run(self, terms: Terms) -> Finished:
        settings, signals = self._settings, self._signals
        asyncio.get_running_loop().set_exception_handler(self._report_defect)
        async with AsyncExitStack() as stack:
            interrupted = self._handle_signals(stack)
            stack.callback(self._reports.close)
            if settings.state_file is None:  # else another run may be using the files
                self._reports.discard_earlier_result()
            endpoints = None if settings.listen is None else await self._serve(stack, *settings.listen)
            result = await self._watch_all(terms, interrupted, endpoints)
            if settings.linger and signals.number is None:
                self._notify("lingering", f"serving until a signal; the exit code is {result.code}")
                await interrupted.wait()
        return Finished(result, self._builder)

    def _handle_signals(self, stack: AsyncExitStack) -> asyncio.Event:
        """Let a signal end the watch until the stack is closed; return the event that a signal sets."""
        loop, signals, interrupted = asyncio.get_running_loop(), self._signals, asyncio.Event()

        def end_watch(number: int) -> None:
            interrupted.set()
            if self._watch is not None:
                self._watch.interrupt(number)

        def interrupt(number: int) -> None:
            loop.call_soon_threadsafe(end_watch, number)

        signals.set_callback(interrupt)
        stack.callback(signals.set_callback, None)
        signals.on_exit, signals.on_resume = self._reports.abort, self._reports.resume
        if signals.number is not None:
            interrupted.set()
        return interrupted

    async def _serve(self, stack: AsyncExitStack, host: str, port: int) -> Endpoints:
        from watcher.reports.http.app import Endpoints  # noqa: PLC0415 (a server that few runs need)

        loop = asyncio.get_running_loop()

        def refresh() -> None:
            if self._watch is not None:
                self._builder.update(self._watch.progress())

        def overdue() -> float:
            return 0.0 if self._watch is None else max(0.0, loop.time() - self._watch.wakes_at)

        endpoints = Endpoints(self._builder, refresh, overdue)
        url = await stack.enter_async_context(endpoints.serving(host, port))
        self._notify("serving", f"serving /healthz, /readyz, /status and /metrics at {url}")
        return endpoints

    async def _watch_all(
        self, terms: Terms, interrupted: asyncio.Event, endpoints: Endpoints | None
    ) -> Result:
        timeout, began = terms.policy.timeout, asyncio.get_running_loop().time()
        reader = ThreadReader(
            self._inputs.reading,
            deadline=began + timeout,
            stop=interrupted,
            notify=partial(self._notify, "waiting_for_input"),
        )
        async with AsyncExitStack() as stack:
            try:
                connected = await connect(stack, self._inputs, terms, reader, self._warn)
            except (Unread, UsageError) as error:
                # Ctrl+C also ends the program before the pipe, so that standard input names no import.
                if isinstance(error, UsageError) and self._signals.number is None:
                    raise
                self._reports.close()
                self._reports.use(make_failure_reports(self._settings))
                elapsed = asyncio.get_running_loop().time() - began
                return self._finish(self._unread(timeout, elapsed), endpoints)
            await self._follow(connected)
            result = self._finish(self._builder.result(), endpoints)
            if connected.store is not None:
                connected.store.record_outcomes(result.ends)
            return result

    async def _follow(self, connected: Connected) -> None:
        """Report the watch from its first to its last event."""
        self._watch = watch = connected.watch
        self._builder.base_uri = connected.inputs.base_uri
        several, store = len(connected.inputs.refs) > 1, connected.store
        self._reports.use(
            make_reports(self._settings, self._builder, several=several, snapshot=watch.snapshot, store=store)
        )
        if store is not None:
            self._reports.discard_earlier_result()
        for notice in connected.notices:
            self._reports.notify(*notice)
        if self._signals.number is not None:
            watch.interrupt(self._signals.number)
        async with aclosing(watch.events()) as events:
            async for event in events:
                self._builder.receive(event)
                self._reports.receive(event)

    def _unread(self, timeout: float, elapsed: float) -> Result:
        """Return the result of a run whose inputs did not arrive within the timeout or before a signal."""
        number = self._signals.number
        during = f"while reading {self._inputs.reading.source}"
        if number is None:
            outcome = Outcome.TIMEOUT
            message = (
                f"timed out after {duration(timeout)} {during}. Check what writes it, or allow more time."
            )
        else:
            outcome = Outcome.INTERRUPTED
            message = f"interrupted by {Signal(number).name} {during}. Nothing was watched."
        code = self._settings.exit_codes.code(outcome, number)
        if code == 0 and self._has_command:  # no command follows, because nothing was watched
            code = ExitCodes().code(outcome, number)
        return Result(outcome, code, message, elapsed=elapsed)

    def _finish(self, result: Result, endpoints: Endpoints | None) -> Result:
        if endpoints is not None:  # before the connections are closed, which takes a moment
            endpoints.result = result
        self._reports.finish(result)
        if result.code != 0 or not self._has_command:
            self._signals.exit_code = result.code
        return result

    def _notify(self, name: str, message: str) -> None:
        self._reports.notify(Level.INFO, name, message)

    def _warn(self, name: str, message: str) -> None:
        self._reports.notify(Level.WARNING, name, message)

    def _report_defect(self, _loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        # Errors of aiohttp are never formatted, because they contain the token.
        error = context.get("exception")
        reason = "unknown reason" if error is None else type(error).__name__
        self._warn("internal", f"a defect in watcher did not end the watch ({reason}). Please report it.")
