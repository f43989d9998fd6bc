"""The live view: standard error shows the current state of every import."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from time import thread_time

from watcher.core.events import Changed, Ended, Event, Heartbeat, MetUnknownStatus, Watching
from watcher.core.exit_codes import Result
from watcher.core.messages.progress import Level, level_of
from watcher.reports.lines import LineWriter
from watcher.reports.live.frame import Glyphs
from watcher.reports.live.region import Region
from watcher.reports.live.steps import StepsFrame
from watcher.reports.live.table import TableFrame
from watcher.reports.live.view_state import ViewState, is_explained
from watcher.reports.plain import PlainLog
from watcher.reports.report import Notice, Report
from watcher.reports.stream import Defer, Stream
from watcher.reports.trouble import Snapshot

FRAME = 0.25
"""Seconds between two frames while something happens."""

CALM_FRAME = 1.0
"""Seconds between two frames during a long wait."""

CALM_AFTER = 60.0
"""Seconds without an event, heartbeats not counted, after which a wait is long."""

_MAX_SHARE = 0.05
"""The largest part of one processor that drawing may use."""


class LiveView(Report):
    """Draw the state of all imports during the watch, and leave the last frame on the screen.

    The running loop's timers drive it: there is no thread, and no frame while the loop is busy. ``snapshot``
    returns None before the wait for an import begins and after it ends. ``result_follows`` says whether the
    result, which names all imports, is written below on the same terminal.
    """

    name = "the live view"

    def __init__(
        self,
        stream: Stream,
        snapshot: Snapshot,
        level: Level,
        glyphs: Glyphs,
        *,
        several: bool,
        defer: Defer,
        result_follows: bool = False,
    ) -> None:
        self._region = Region(stream)
        self._state = ViewState(snapshot)
        frame = TableFrame if several else StepsFrame
        self._frame = frame((), glyphs, result_follows=result_follows)
        self._several = several
        lines = LineWriter(self._region, level)
        lines.names.shortened = result_follows
        lines.names.distinctive = result_follows and several
        self._log = PlainLog(lines, several=several, snapshot=snapshot, defer=defer)
        self._timer: asyncio.Handle | None = None
        self._active_at = 0.0
        self._failed = False

    def receive(self, event: Event) -> None:
        """Show an event in the next frame; write what is unusual or failed above it."""
        if self._failed:
            self._log.receive(event)
            return
        self._state.receive(event)
        if isinstance(event, Watching):
            self._log.add(event.ref)
        if not isinstance(event, Heartbeat):
            self._active_at = event.at.monotonic
        if self._is_for_log(event):
            self._log.receive(event)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_soon(self._tick)

    def notify(self, notice: Notice) -> None:
        self._log.notify(notice)

    def finish(self, result: Result) -> None:
        """Draw the last frame; an unsuccessful outcome of a single import is explained below it."""
        self._stop()
        if not self._failed:
            self._log.flush()
            self._draw(last=True)
            for end in result.ends if not self._several else ():
                if is_explained(end):
                    self._log.receive(end)
        self._log.finish(result)

    def close(self) -> None:
        self._stop()
        self._log.close()

    def resume(self) -> None:
        self._region.abandon()

    def abort(self) -> None:
        self._region.restore_terminal()

    def _tick(self) -> None:
        began = thread_time()
        self._draw()
        if not self._failed:
            loop = asyncio.get_running_loop()
            pause = FRAME if loop.time() - self._active_at < CALM_AFTER else CALM_FRAME
            cost = thread_time() - began
            self._timer = loop.call_later(max(pause, cost / _MAX_SHARE), self._tick)

    def _is_for_log(self, event: Event) -> bool:
        """Return whether lines report an event as it happens: a failure only if other waits may go on."""
        if isinstance(event, Ended):
            return self._several and is_explained(event)
        return isinstance(event, Changed | MetUnknownStatus) and level_of(event) > Level.INFO

    def _draw(self, *, last: bool = False) -> None:
        try:
            frame = replace(self._frame, views=self._state.views(), is_last=last)
            self._region.draw(frame, last=last)
            self._frame = replace(frame, turn=frame.turn + 1)
        except Exception as error:  # noqa: BLE001 (a defect in the drawing must not end the watch)
            self._failed = True
            self._region.leave()
            message = f"the live view failed because of a defect in watcher ({type(error).__name__})"
            self.notify(Notice(Level.WARNING, "report_failed", message))

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
