"""One run: the client, the loop, the reports and the signals, put together."""

from __future__ import annotations

import asyncio
import math
import os
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from signal import Signals as Signal
from typing import TYPE_CHECKING

from watcher.api.client import Client
from watcher.api.proxy import find_proxy
from watcher.api.targets import shown
from watcher.api.tls import tls_context
from watcher.cli.hints import find_hints
from watcher.cli.lookups import LookupExecutor
from watcher.cli.outputs import make_failure_reports, make_line_log, make_reports
from watcher.cli.thread_reader import ThreadReader, Unread
from watcher.core.errors import UsageError
from watcher.core.exit_codes import ExitCodes, Result
from watcher.core.messages.progress import Level
from watcher.core.statuses import Outcome
from watcher.core.text import duration
from watcher.core.wait.saved import SavedState
from watcher.loop.loop import Loop
from watcher.loop.watch import Watch
from watcher.reports.dotenv import variables
from watcher.reports.report import Reports
from watcher.reports.results import ResultBuilder

if TYPE_CHECKING:
    import ssl

    from watcher.cli.inputs import InputReader
    from watcher.cli.settings import Settings
    from watcher.cli.signals import Signals
    from watcher.core.events import Ended, Heartbeat
    from watcher.core.model import ImportRef
    from watcher.core.policy import Terms
    from watcher.reports.http.app import Endpoints
    from watcher.state.store import StateStore


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
        # The other reports need the imports.
        self._reports = Reports([make_line_log(settings)], inputs.conceal)
        self._watch: Watch | None = None
        self._store: StateStore | None = None

    async def run(self, terms: Terms) -> Finished:
        settings, signals = self._settings, self._signals
        loop, interrupted = asyncio.get_running_loop(), asyncio.Event()
        loop.set_exception_handler(self._report_defect)

        def end_watch(number: int) -> None:
            interrupted.set()
            if self._watch is not None:
                self._watch.interrupt(number)

        def interrupt(number: int) -> None:
            loop.call_soon_threadsafe(end_watch, number)

        if signals.number is not None:
            interrupted.set()
        reader = ThreadReader(
            self._inputs.reading,
            deadline=loop.time() + terms.policy.timeout,
            stop=interrupted,
            notify=partial(self._notify, "waiting_for_input"),
        )
        async with AsyncExitStack() as stack:
            signals.call(interrupt)
            stack.callback(signals.call, None)
            stack.callback(self._close)
            signals.on_exit, signals.on_resume = self._abort, self._resume
            view = None if settings.listen is None else await self._serve(stack, *settings.listen)
            result = await self._watch_all(terms, reader, view)
            if settings.linger and signals.number is None:
                self._notify("lingering", f"serving until a signal; the exit code is {result.code}")
                await interrupted.wait()
        return Finished(result, self._builder)

    async def _watch_all(self, terms: Terms, reader: ThreadReader, view: Endpoints | None) -> Result:
        signals = self._signals
        async with AsyncExitStack() as connections:
            try:
                self._watch = await self._connect(connections, terms, reader)
            except (Unread, UsageError) as error:
                # Ctrl+C also ends the program before the pipe, so that standard input names no import.
                if isinstance(error, UsageError) and signals.number is None:
                    raise
                return self._finish_unread(terms.policy.timeout, view)
            if signals.number is not None:
                self._watch.interrupt(signals.number)
            await self._follow(self._watch)
            return self._finish(self._builder.result(), view)

    async def _connect(self, stack: AsyncExitStack, terms: Terms, reader: ThreadReader) -> Watch:
        settings, began = self._settings, asyncio.get_running_loop().time()
        inputs = await reader.call(self._inputs.read) if self._inputs.may_block else self._inputs.read()
        terms = _shorten(terms, asyncio.get_running_loop().time() - began)
        refs, base_uri = inputs.refs, inputs.base_uri
        self._make_reports(several=len(refs) > 1)
        if settings.demo is not None:
            from watcher.cli.demo import running_demo  # noqa: PLC0415 (a server that only the demo needs)

            demo = running_demo(settings.demo, inputs.tokens.current())
            ref, base_uri = await stack.enter_async_context(demo)
            refs = (ref,)
            self._notify("demo", f"demo: simulated LaunchDarkly at {base_uri}, scenario '{settings.demo}'")
        self._builder.base_uri = base_uri
        saved, save = SavedState(), None
        if settings.state_file is not None:
            from watcher.state.store import open_store  # noqa: PLC0415 (only here)

            self._store = stack.enter_context(open_store(settings.state_file, base_uri, refs, self._warn))
            saved, save = self._store.saved, self._store.save
        for hint in find_hints(inputs.tokens.current(), os.environ):
            self._reports.notify(Level.WARNING, "hint", hint)
        tls = await self._tls(reader, base_uri)
        if settings.demo is None and inputs.foreign_host is not None:
            self._notify("base_uri", inputs.foreign_host)
        client = Client(base_uri, inputs.tokens, tls=tls, proxy=find_proxy(base_uri))
        await stack.enter_async_context(client)
        random = Random()  # noqa: S311 (jitter is no secret)
        loop = Loop(client.get, random, request_timeout=terms.request_timeout, warn=self._warn_of_time)
        await stack.enter_async_context(loop)
        return Watch(loop, refs, terms, saved=saved, save=save)

    async def _tls(self, reader: ThreadReader, base_uri: str) -> ssl.SSLContext | None:
        path = self._settings.ca_file
        load = partial(tls_context, path, "--ca-file", base_uri)
        if path is None and not os.environ.get("SSL_CERT_FILE"):
            return load()
        self._inputs.reading.begin("SSL_CERT_FILE" if path is None else f"--ca-file {shown(str(path))}")
        return await reader.call(load)

    async def _serve(self, stack: AsyncExitStack, host: str, port: int) -> Endpoints:
        from watcher.reports.http.app import Endpoints  # noqa: PLC0415 (a server that few runs need)

        loop = asyncio.get_running_loop()

        def refresh() -> None:
            if self._watch is not None:
                self._builder.update(self._watch.progress())

        def overdue() -> float:
            return 0.0 if self._watch is None else max(0.0, loop.time() - self._watch.wakes_at)

        view = Endpoints(self._builder, refresh, overdue)
        url = await stack.enter_async_context(view.serving(host, port))
        self._notify("serving", f"serving /healthz, /readyz, /status and /metrics at {url}")
        return view

    async def _follow(self, watch: Watch) -> None:
        async with aclosing(watch.events()) as events:
            async for event in events:
                self._builder.receive(event)
                self._reports.receive(event)

    def _make_reports(self, *, several: bool) -> None:
        reports = make_reports(
            self._settings,
            self._builder,
            several=several,
            snapshot=self._snapshot,
            has_changed=self._has_changed,
            told=self._told,
        )
        self._reports = Reports(reports, self._inputs.conceal)

    def _finish_unread(self, timeout: float, view: Endpoints | None) -> Result:
        """Finish a run that could not read its inputs; no command follows, because nothing was watched."""
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
        if code == 0 and self._has_command:
            code = ExitCodes().code(outcome, number)
        self._reports.close()
        self._reports = Reports(make_failure_reports(self._settings), self._inputs.conceal)
        return self._finish(Result(outcome, code, message), view)

    def _finish(self, result: Result, view: Endpoints | None) -> Result:
        if view is not None:  # before the connections are closed, which takes a moment
            view.result = result
        self._reports.finish(result)
        if self._store is not None:
            self._store.record_outcomes(result.ends)
        if result.code != 0 or not self._has_command:
            self._signals.exit_code = result.code
        return result

    # The reports change when the inputs have been read.
    def _close(self) -> None:
        self._reports.close()

    def _abort(self) -> None:
        self._reports.abort()

    def _resume(self) -> None:
        self._reports.resume()

    def _snapshot(self, ref: ImportRef) -> Heartbeat | None:
        return None if self._watch is None else self._watch.snapshot(ref)

    def _has_changed(self, ended: Ended) -> bool:
        return self._store is None or self._store.has_changed(ended)

    def _told(self, ref: ImportRef) -> Outcome | None:
        return None if self._store is None else self._store.told(ref)

    def _notify(self, name: str, message: str) -> None:
        self._reports.notify(Level.INFO, name, message)

    def _warn(self, message: str) -> None:
        self._reports.notify(Level.WARNING, "state_file", message)

    def _warn_of_time(self, message: str) -> None:
        self._reports.notify(Level.WARNING, "implausible_time", message)

    def _report_defect(self, _loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        # Errors of aiohttp are never formatted, because they contain the token.
        name = type(context.get("exception")).__name__
        self._reports.notify(
            Level.WARNING, "internal", f"a background task failed ({name}). The watch continues."
        )


def _shorten(terms: Terms, spent: float) -> Terms:
    """Take the time that reading took off the timeout; less than a second is no matter."""
    policy = terms.policy
    if spent < 1 or policy.timeout == math.inf or policy.remembered:  # a state file counts from its first run
        return terms
    return replace(terms, policy=replace(policy, timeout=max(policy.timeout - spent, 0.001)))
