"""The region of a terminal that is drawn again and again, and the lines above it."""

from __future__ import annotations

import os
from contextlib import suppress
from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.segment import SegmentLines
from rich.text import Text

from watcher.reports.stream import Stream

_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_DEFAULT_SIZE = os.terminal_size((80, 24))


class Region(Stream):
    """A stream whose lines appear above a region that rich draws.

    The cursor is hidden only while a frame is written, so a stopped or killed process leaves it visible. The
    environment describes the terminal's colours (``TERM``, ``COLORTERM``, ``NO_COLOR``).
    """

    def __init__(self, terminal: Stream) -> None:
        super().__init__(None)
        self._terminal = terminal
        self._live: Live | None = None
        self._start = ""

    def draw(self, frame: RenderableType, *, last: bool = False) -> None:
        """Draw the region again, unless the terminal accepts no output or belongs to another job.

        Lines that do not fit into the window are dropped. The last frame is drawn in any case.
        """
        if not self._is_in_foreground():
            self.abandon()
            if not last:
                return
        if self._terminal.pending and not last:
            return
        if self._live is None:
            self._live = self._begin()
        live = self._live
        live.console.size = self._size()
        lines = live.console.render_lines(frame, pad=False)[: live.console.height - 1]
        # The empty line below is for the cursor, so the region can be left at any time without Live.stop().
        live.update(Group(SegmentLines(lines, new_lines=True), Text()), refresh=True)
        if last:
            self.leave()

    def leave(self) -> None:
        """Keep what was drawn, and write later lines below it."""
        self._live = None

    def abandon(self) -> None:
        """Start a new region with the next frame: the shell has written below this one."""
        if self._live is not None:
            self._live, self._start = None, "\n"

    def write_line(self, line: str) -> None:
        """Write a line above the region, or below it after the last frame."""
        if not self._is_in_foreground():
            self.abandon()
        if self._live is None:
            self._terminal.write_line(line)
        else:
            self._live.console.print(Text.from_ansi(line), soft_wrap=True)

    @property
    def columns(self) -> int | None:
        return self._size().columns

    def drain(self) -> None:
        self._terminal.drain()

    def restore_terminal(self) -> None:
        """Show the cursor if a frame was cut short; safe in a signal handler, and never blocks."""
        if self._terminal.pending and self._terminal.is_writable():
            with suppress(OSError):
                os.write(self._terminal.fileno(), _SHOW_CURSOR.encode())

    def _begin(self) -> Live:
        self._terminal.write(self._start)
        console = Console(
            file=_Frames(self._terminal), force_terminal=True, force_interactive=True, legacy_windows=False
        )
        live = Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
        live.start()
        return live

    def _size(self) -> os.terminal_size:
        try:
            size = os.get_terminal_size(self._terminal.fileno())
        except OSError:
            return _DEFAULT_SIZE
        return size if size.columns and size.lines else _DEFAULT_SIZE

    def _is_in_foreground(self) -> bool:
        try:
            return os.tcgetpgrp(self._terminal.fileno()) == os.getpgrp()
        except OSError:
            return True  # not the terminal that controls the jobs of this session


class _Frames(StringIO):
    """The file that rich writes to, one whole frame at a time."""

    def __init__(self, terminal: Stream) -> None:
        super().__init__()
        self._terminal = terminal

    def write(self, frame: str) -> int:
        self._terminal.write(f"{_HIDE_CURSOR}{frame}{_SHOW_CURSOR}")
        return len(frame)
