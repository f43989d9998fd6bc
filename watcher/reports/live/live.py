"""The live view: standard error as a picture of where every import stands, while a person looks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from watcher.core.events import Changed, Ended, Heartbeat, MetThrottle, MetUnknownStatus, Retrying, Watching
from watcher.core.messages.progress import Level, level_of
from watcher.reports.live.picture import Canvas, picture
from watcher.reports.live.views import View, running
from watcher.reports.plain import PlainLog
from watcher.reports.report import Notice, Report

if TYPE_CHECKING:
    from watcher.core.events import Event
    from watcher.core.exit_codes import Result
    from watcher.core.model import ImportRef
    from watcher.reports.live.glyphs import Glyphs
    from watcher.reports.live.screen import Screen

FRAME = 0.25
"""Seconds from one frame to the next while something happens."""

CALM_FRAME = 1.0
"""Seconds from one frame to the next while nothing does: a long wait must not warm the room."""

CALM_AFTER = 60.0
"""Seconds without an event, but for heartbeats, after which nothing happens."""

_LARGEST_SHARE = 0.05
"""The part of one processor that drawing may take, however many imports there are."""


class Standing(Protocol):
    """Where an import stands at this moment, which events alone do not tell."""

    def __call__(self, ref: ImportRef) -> Heartbeat | None:
        """Looks at one import.

        Args:
            ref: The import.

        Returns:
            A snapshot; None before its wait has begun and after it has ended.
        """
        ...


class Board:
    """Keeps what the events tell of every import.

    Args:
        standing: Tells the rest.
    """

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._began: dict[ImportRef, Watching] = {}
        self._trouble: dict[ImportRef, MetThrottle | Retrying] = {}
        self._ended: dict[ImportRef, Ended] = {}

    def receive(self, event: Event) -> None:
        """Takes in an event.

        Args:
            event: Any event.
        """
        if isinstance(event, Watching):
            self._began[event.ref] = event
        elif isinstance(event, MetThrottle | Retrying):
            self._trouble[event.ref] = event
        elif isinstance(event, Ended):
            self._ended[event.ref] = event

    def views(self) -> list[View]:
        """Tells what is known of every import at this moment.

        Returns:
            The imports in the order in which they were named.
        """
        return [self._view(ref, began) for ref, began in self._began.items()]

    def _view(self, ref: ImportRef, began: Watching) -> View:
        ended = self._ended.get(ref)
        if ended is not None:
            return View(ref, began.goal, ended.progress, ended=ended)
        standing = self._standing(ref)
        if standing is None:
            return View(ref, began.goal, began.progress)
        return View(ref, began.goal, standing.progress, standing.next_poll, self._notice(standing))

    def _notice(self, standing: Heartbeat) -> str | None:
        event = self._trouble.get(standing.ref)
        if standing.trouble is None:
            # 404 is patience before the first sight, and no trouble yet.
            return event.detail if isinstance(event, Retrying) and standing.progress.status is None else None
        if isinstance(event, MetThrottle):
            asked = (event.named_wait or 0) - (standing.at.monotonic - event.at.monotonic)
            more = f": the API asks to wait {running(asked)} more" if asked > 0 else ""
            return f"rate limited (429){more}"
        return standing.trouble


class LiveView(Report):
    """Draws the board while the watch goes on, and leaves its last state behind.

    The clock that drives it is the running loop's: no thread, and no frame while the loop is busy.

    Args:
        screen: The terminal.
        standing: Where an import stands at this moment.
        level: The least that is told in lines of its own.
        glyphs: The characters that the terminal can show.
        several: Whether the lines must name their import.
    """

    name = "the live view"

    def __init__(
        self, screen: Screen, standing: Standing, level: Level, glyphs: Glyphs, *, several: bool
    ) -> None:
        self._screen = screen
        self._board = Board(standing)
        self._glyphs = glyphs
        self._lines = PlainLog(screen, level, several=several, quiet=False)
        self._timer: asyncio.Handle | None = None
        self._turn = 0
        self._told_at = 0.0
        self._failed = False

    def receive(self, event: Event) -> None:
        """Takes an event into the next frame; what a picture cannot tell gets a line above it."""
        if self._failed:
            self._lines.receive(event)
            return
        self._board.receive(event)
        if not isinstance(event, Heartbeat):
            self._told_at = event.at.monotonic
        unusual = isinstance(event, Changed) and level_of(event) > Level.INFO
        if unusual or isinstance(event, MetUnknownStatus):
            self._lines.receive(event)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_soon(self._tick)

    def finish(self, result: Result) -> None:
        """Leaves the last picture, and below it explains each end that is no success."""
        self._stop()
        if not self._failed:
            self._draw(last=True)
            for end in result.ends:
                if level_of(end) > Level.INFO:
                    self._lines.receive(end)
        self._lines.finish(result)

    def notify(self, notice: Notice) -> None:
        """Write the message above the picture."""
        self._lines.notify(notice)

    def close(self) -> None:
        """Leaves the terminal with its cursor on a line of its own."""
        self._stop()
        self._screen.close()

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._draw()
        if not self._failed:
            now = loop.time()
            pause = FRAME if now - self._told_at < CALM_AFTER else CALM_FRAME
            self._timer = loop.call_later(max(pause, (now - began) / _LARGEST_SHARE), self._tick)

    def _draw(self, *, last: bool = False) -> None:
        try:
            columns, lines = self._screen.size
            drawn = picture(self._board.views(), Canvas(columns, lines, self._glyphs, self._turn))
            self._turn += 1
            if last:
                self._screen.leave(drawn)
            else:
                self._screen.draw(drawn)
        except Exception as error:  # noqa: BLE001 (a defect in a picture must not cost anybody the watch)
            self._failed = True
            self._screen.leave()
            name = type(error).__name__
            message = f"the live view failed because of a defect in watcher ({name})"
            self.notify(Notice(Level.WARNING, "report_failed", message))

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
