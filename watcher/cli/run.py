"""One run: the client, the loop, the reports and the signals, put together."""

from __future__ import annotations

import asyncio
import errno
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from watcher.api.client import Client
from watcher.api.proxy import find_proxy
from watcher.api.tls import tls_context
from watcher.cli.hints import find_hints
from watcher.cli.outputs import make_reports
from watcher.core.messages.progress import Level
from watcher.core.wait.saved import SavedState
from watcher.loop import Watch
from watcher.reports.dotenv import variables
from watcher.reports.report import Reports
from watcher.reports.results import ResultBuilder

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from watcher.cli.inputs import Inputs
    from watcher.cli.settings import Settings
    from watcher.cli.signals import Signals
    from watcher.core.events import Ended, Heartbeat
    from watcher.core.exit_codes import Result
    from watcher.core.model import ImportRef
    from watcher.core.policy import Terms
    from watcher.reports.http.app import Endpoints
    from watcher.state.store import StateStore

_Arguments = ParamSpec("_Arguments")
_Returned = TypeVar("_Returned")


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
    settings: Settings, inputs: Inputs, terms: Terms, signals: Signals, *, has_command: bool
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
        runner.get_loop().set_default_executor(_LookupExecutor())
        return runner.run(run())
    finally:
        with suppress(RuntimeError):  # closing needs a thread; without one, the result stays as reported
            runner.close()


class _Run:
    def __init__(self, settings: Settings, inputs: Inputs, signals: Signals, *, has_command: bool) -> None:
        self._settings = settings
        self._inputs = inputs
        self._signals = signals
        self._has_command = has_command
        self._builder = ResultBuilder(settings.exit_codes, any_suffices=settings.any_suffices)
        self._reports = Reports(
            make_reports(
                settings,
                self._builder,
                several=len(inputs.refs) > 1,
                snapshot=self._snapshot,
                has_changed=self._has_changed,
            )
        )
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

        async with AsyncExitStack() as stack:
            signals.call(interrupt)
            stack.callback(signals.call, None)
            stack.callback(self._reports.close)
            signals.on_exit, signals.on_resume = self._reports.abort, self._reports.resume
            view = None if settings.listen is None else await self._serve(stack, *settings.listen)
            async with AsyncExitStack() as connections:
                self._watch = await self._connect(connections, terms)
                if signals.number is not None:
                    self._watch.interrupt(signals.number)
                await self._follow(self._watch)
                result = self._finish()
            if view is not None:
                view.result = result
            if settings.linger and signals.number is None:
                self._notify("lingering", f"serving until a signal; the exit code is {result.code}")
                await interrupted.wait()
        return Finished(result, self._builder)

    async def _connect(self, stack: AsyncExitStack, terms: Terms) -> Watch:
        settings, inputs = self._settings, self._inputs
        refs, base_uri = inputs.refs, inputs.base_uri
        if settings.demo is not None:
            from watcher.cli.demo import running_demo  # noqa: PLC0415 (a server that only the demo needs)

            demo = running_demo(settings.demo, inputs.tokens.current())
            ref, base_uri = await stack.enter_async_context(demo)
            refs = (ref,)
            self._notify("demo", f"demo: simulated LaunchDarkly at {base_uri}, scenario '{settings.demo}'")
        saved, save = SavedState(), None
        if settings.state_file is not None:
            from watcher.state.store import open_store  # noqa: PLC0415 (only here)

            self._store = stack.enter_context(open_store(settings.state_file, base_uri, refs, self._warn))
            saved, save = self._store.saved, self._store.save
        for hint in find_hints(inputs.tokens.current(), os.environ):
            self._reports.notify(Level.WARNING, "hint", hint)
        client = Client(
            base_uri,
            inputs.tokens,
            tls=tls_context(settings.ca_file, "--ca-file", base_uri),
            proxy=find_proxy(base_uri),
        )
        await stack.enter_async_context(client)
        random = Random()  # noqa: S311 (jitter is no secret)
        return Watch(refs, terms, client.get, random, saved=saved, save=save, warn=self._warn_of_time)

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

    def _finish(self) -> Result:
        result = self._builder.result()
        self._reports.finish(result)
        if self._store is not None:
            self._store.record_outcomes(result.ends)
        if result.code != 0 or not self._has_command:
            self._signals.exit_code = result.code
        return result

    def _snapshot(self, ref: ImportRef) -> Heartbeat | None:
        return None if self._watch is None else self._watch.snapshot(ref)

    def _has_changed(self, ended: Ended) -> bool:
        return self._store is None or self._store.has_changed(ended)

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


class _LookupExecutor(ThreadPoolExecutor):
    """Look up names in threads. Abandon hanging lookups at exit, because they cannot be cancelled."""

    def submit(
        self, fn: Callable[_Arguments, _Returned], /, *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> Future[_Returned]:
        """Run a lookup, or fail as a lookup does if the system has no thread left."""
        try:
            return super().submit(fn, *args, **kwargs)
        except RuntimeError:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:  # noqa: ARG002, FBT001, FBT002 (the base class's signature)
        super().shutdown(wait=False, cancel_futures=cancel_futures)
