"""The terminal under a live picture: one region at the end of what was printed, drawn over and over.

rich's own ``Live`` hides the cursor until it is stopped, which a killed process never does, and writes
whether or not the terminal takes it. Here each frame is one write that shows the cursor again.
"""

from __future__ import annotations

import math
import os
import select
import signal
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console

from watcher.reports.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType
    from typing import TextIO

    from rich.text import Text

    from watcher.reports.stream import Defer

# ECMA-48, and the private modes that every terminal since the VT220 has.
_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_WRAP_OFF, _WRAP_ON = "\x1b[?7l", "\x1b[?7h"
_ERASE_BELOW = "\x1b[J"
_ERASE_LINE = "\x1b[K"

_USUAL_SIZE = os.terminal_size((80, 24))


class Screen(Stream):
    """Draws a region of a terminal, and prints lines above it.

    No frame ever waits for the terminal: where it takes nothing now, as after Ctrl-S or behind a connection
    that hangs, the frame is left out, and lines are kept for the next one.

    Args:
        file: A terminal; the environment says which colours it has (``TERM``, ``COLORTERM``, ``NO_COLOR``).
        defer: Calls a function in the watch's thread, some seconds later.
    """

    def __init__(self, file: TextIO, defer: Defer | None = None) -> None:
        super().__init__(file, defer)
        self._terminal = file.fileno()
        self._frames = _open_again(self._terminal)
        self._console = Console(file=StringIO(), force_terminal=True, legacy_windows=False, width=1)
        self._region: tuple[int, ...] = ()
        self._begin = "\r"
        self._lines: list[str] = []
        self._unfinished = b""
        self._live = False
        self._before = signal.signal(signal.SIGCONT, self._resume)

    @property
    def size(self) -> os.terminal_size:
        """Columns and lines of the window at this moment."""
        try:
            size = os.get_terminal_size(self._terminal)
        except OSError:
            return _USUAL_SIZE
        return size if size.columns and size.lines else _USUAL_SIZE

    def write_line(self, line: str) -> None:
        """Prints a line above the region, with the next frame where there is one."""
        if self._live:
            self._lines.append(line)
        else:
            super().write_line(line)

    def draw(self, picture: Sequence[Text]) -> None:
        """Draws the region anew, if the terminal takes it now.

        Args:
            picture: Its lines; each has room in the window, and all of them leave one line of it free.
        """
        self._live = True
        if not self._is_in_foreground():
            self._abandon()
            return
        if self._flush() and self._takes_some():
            frame = self._compose(picture)
            self._region = tuple(line.cell_len for line in picture)
            self._begin = "\r"
            self._lines.clear()
            self._unfinished = frame.encode("utf-8", errors="backslashreplace")
            self._flush()

    def leave(self, picture: Sequence[Text] = ()) -> None:
        """Draws the region for the last time and leaves it; lines come below it from now on.

        Args:
            picture: Its lines; none leaves what was drawn last.
        """
        if self._live:
            if not self._is_in_foreground():
                self._abandon()
            last = self._unfinished.decode("utf-8", errors="ignore")
            if not picture:
                self._region = ()
            if picture or self._lines:
                last += self._compose(picture)
            self._live, self._region, self._unfinished = False, (), b""
            self._lines.clear()
            self.write(last)

    def close(self) -> None:
        """Leaves the region as it is; comes last, whatever happened."""
        self.leave()
        self.drain()
        signal.signal(signal.SIGCONT, self._before or signal.SIG_DFL)
        if self._frames != self._terminal:
            os.close(self._frames)
            self._frames = self._terminal

    def _compose(self, picture: Sequence[Text]) -> str:
        """Puts a frame together: it begins where the last one did and ends on a fresh line."""
        width, height = self.size
        # Most terminals fold lines anew when their window becomes narrower.
        up = min(sum(max(1, math.ceil(cells / width)) for cells in self._region), height - 1)
        above = "".join(f"{_ERASE_LINE}{line}\n" for line in self._lines)
        region = "".join(f"{_ERASE_LINE}{self._render(line)}\n" for line in picture)
        start = f"{self._begin}\x1b[{up}A" if up else self._begin
        if above:
            start += _ERASE_BELOW
        return f"{_HIDE_CURSOR}{start}{above}{_WRAP_OFF}{region}{_WRAP_ON}{_ERASE_BELOW}{_SHOW_CURSOR}"

    def _render(self, line: Text) -> str:
        with self._console.capture() as captured:
            self._console.print(line, end="", soft_wrap=True)
        return captured.get()

    def _flush(self) -> bool:
        """Writes what it can without waiting, and tells whether that was all."""
        try:
            while self._unfinished and self._takes_some():
                self._unfinished = self._unfinished[os.write(self._frames, self._unfinished) :]
        except BlockingIOError:
            return False
        except OSError:
            self._unfinished = b""  # the terminal is gone
        return not self._unfinished

    def _takes_some(self) -> bool:
        return bool(select.select([], [self._frames], [], 0)[1])

    def _is_in_foreground(self) -> bool:
        """Tells whether the terminal is this job's and not the shell's, as after Ctrl-Z and ``bg``."""
        try:
            return os.tcgetpgrp(self._terminal) == os.getpgrp()
        except OSError:
            return True  # it is not the terminal that controls jobs here

    def _abandon(self) -> None:
        """Leaves the region where it is: others have written below it."""
        self._region, self._begin = (), "\n"

    def _resume(self, _signal: int, _frame: FrameType | None) -> None:
        self._abandon()


def _open_again(terminal: int) -> int:
    """Opens a terminal for writing without waiting, which its own descriptor shares with other programs."""
    try:
        return os.open(os.ttyname(terminal), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return terminal
