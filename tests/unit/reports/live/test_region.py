"""The region of the terminal that is drawn again and again, as an emulator shows it."""

from __future__ import annotations

import os
import select
import termios
import time
from typing import TYPE_CHECKING

import pytest
from rich.text import Text

from watcher.reports.live.region import Region
from watcher.reports.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console, ConsoleOptions, RenderableType

    from tests.support.terminal import Window

SHOW_CURSOR = b"\x1b[?25h"


class Drawn:
    """A region in a window, with the calls that its stream has deferred."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.deferred: list[Callable[[], None]] = []
        self.stream = Stream(window.file, lambda _, call: self.deferred.append(call))
        self.region = Region(self.stream)

    def draw(self, *lines: str) -> None:
        """Draw lines of text."""
        self.region.draw(Text("\n".join(lines)))

    def fill(self) -> None:
        """Draw frames that nobody reads until one of them is cut short."""
        while not self.stream.pending:
            self.draw(*["x" * 35] * 5)

    def read(self) -> None:
        """Read everything, and offer what is pending until nothing is."""
        while self.stream.pending or select.select([self.window.master], [], [], 0.2)[0]:
            if select.select([self.window.master], [], [], 0)[0]:
                self.window.take(os.read(self.window.master, 65536))
            while self.deferred:
                self.deferred.pop()()


@pytest.fixture
def drawn(window: Window) -> Iterator[Drawn]:
    """Return a region that is closed after the test."""
    drawn = Drawn(window)
    yield drawn
    drawn.region.drain()


def in_background(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that the shell has the terminal."""
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp() + 1)


def test_frames_replace_each_other(drawn: Drawn) -> None:
    """Longer and shorter frames leave nothing of each other, nor of what was typed meanwhile."""
    drawn.draw("one", "two", "three")
    assert drawn.window.lines == ["one", "two", "three"]
    drawn.window.type(b"^C")
    drawn.draw("1")
    assert drawn.window.lines == ["1"]
    assert not "".join(drawn.window.screen.display[1:]).strip()


def test_lines_appear_above_the_region(drawn: Drawn) -> None:
    """Lines are above the region, wrapped and whole, and below it after the last frame."""
    drawn.region.write_line("before")
    drawn.draw("frame")
    assert drawn.window.lines == ["before", "frame"]
    drawn.region.write_line("x" * 50)
    assert drawn.window.lines == ["before", "x" * 40, "x" * 10, "frame"]
    drawn.region.draw(Text("last frame"), last=True)
    drawn.region.write_line("after")
    assert drawn.window.lines == ["before", "x" * 40, "x" * 10, "last frame", "after"]


def test_lines_are_no_markup(drawn: Drawn) -> None:
    """Brackets and emoji codes in a line stay as they are."""
    drawn.draw("frame")
    drawn.region.write_line("[bold]:smile: 1")
    assert drawn.window.lines == ["[bold]:smile: 1", "frame"]
    assert b"\x1b[1m" not in drawn.window.raw


def test_a_region_that_is_left_stays(drawn: Drawn) -> None:
    """After a defect in the drawing, the last good frame stays and lines follow below it."""
    drawn.draw("frame")
    drawn.region.leave()
    drawn.region.write_line("after")
    assert drawn.window.lines == ["frame", "after"]


def test_a_frame_is_cut_to_the_window(drawn: Drawn) -> None:
    """A frame leaves the last line of the window to the cursor, so nothing scrolls."""
    drawn.region.write_line("above")
    for _ in range(3):
        drawn.draw(*[str(number) for number in range(30)])
    assert drawn.window.lines == [str(number) for number in range(9)]


def test_the_size_is_that_of_the_terminal(drawn: Drawn) -> None:
    """Each frame has the current size, and 80 by 24 if the terminal reports none."""
    sizes: list[tuple[int, int]] = []

    class Frame:
        def __rich_console__(self, _: Console, options: ConsoleOptions) -> list[RenderableType]:
            sizes.append((options.max_width, options.size.height))
            return []

    for size in ((40, 10), (30, 5), (0, 0)):
        drawn.window.resize(*size)
        drawn.region.draw(Frame())
    assert sizes == [(40, 10), (30, 5), (80, 24)]


def test_a_terminal_that_nobody_reads_blocks_nothing(drawn: Drawn) -> None:
    """Frames are skipped while bytes are pending; lines are kept, and the next frame is whole."""
    began = time.monotonic()
    drawn.fill()
    for number in range(1000):
        drawn.draw(f"skipped {number}")
    drawn.region.write_line("a line")
    assert time.monotonic() - began < 60
    drawn.read()
    drawn.draw("fine")
    assert drawn.window.lines[-2:] == ["a line", "fine"]
    assert b"skipped" not in drawn.window.raw


def test_a_stopped_terminal_shows_the_newest_frame_afterwards(drawn: Drawn) -> None:
    """After Ctrl-S one frame is pending and later ones are skipped; after Ctrl-Q drawing goes on."""
    termios.tcflow(drawn.window.file.fileno(), termios.TCOOFF)
    drawn.draw("old")
    drawn.draw("skipped")
    termios.tcflow(drawn.window.file.fileno(), termios.TCOON)
    drawn.read()
    drawn.draw("newest")
    assert drawn.window.lines == ["newest"]
    assert b"skipped" not in drawn.window.raw


def test_the_cursor_of_a_cut_frame_is_restored(drawn: Drawn) -> None:
    """After half a frame the cursor is hidden until it is restored, as before a hard exit."""
    drawn.fill()
    while select.select([drawn.window.master], [], [], 0.2)[0]:
        drawn.window.take(os.read(drawn.window.master, 65536))
    assert drawn.window.screen.cursor.hidden
    drawn.region.restore_terminal()
    drawn.window.take(os.read(drawn.window.master, 65536))
    assert not drawn.window.screen.cursor.hidden


def test_restoring_writes_nothing_without_need(drawn: Drawn) -> None:
    """A whole frame leaves the cursor visible, and a blocked terminal does not block the restoring."""
    drawn.draw("frame")
    assert drawn.window.lines == ["frame"]
    drawn.region.restore_terminal()
    assert drawn.window.raw.endswith(SHOW_CURSOR)
    shown = drawn.window.raw.count(SHOW_CURSOR)
    assert drawn.window.lines == ["frame"]
    assert drawn.window.raw.count(SHOW_CURSOR) == shown
    termios.tcflow(drawn.window.file.fileno(), termios.TCOOFF)
    drawn.draw("pending")
    drawn.region.restore_terminal()
    termios.tcflow(drawn.window.file.fileno(), termios.TCOON)
    drawn.read()


def test_nothing_is_drawn_in_the_background(drawn: Drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the shell has the terminal its lines stay, and a new region starts below them."""
    drawn.draw("frame")
    with monkeypatch.context() as background:
        in_background(background)
        drawn.draw("skipped")
    assert drawn.window.lines == ["frame"]
    drawn.window.type(b"$ fg")
    drawn.draw("again")
    assert drawn.window.lines == ["frame", "$ fg", "again"]
    drawn.window.type(b"$ ")
    with monkeypatch.context() as background:
        in_background(background)
        drawn.region.draw(Text("last frame"), last=True)
        drawn.region.write_line("after")
    assert drawn.window.lines == ["frame", "$ fg", "again", "$", "last frame", "after"]


def test_a_line_in_the_background_is_written_below(drawn: Drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of a background job is written where the cursor is, and draws nothing."""
    drawn.draw("frame")
    drawn.window.type(b"$ \r\n")
    with monkeypatch.context() as background:
        in_background(background)
        drawn.region.write_line("a line")
    assert drawn.window.lines == ["frame", "$", "a line"]


def test_a_continued_job_starts_a_new_region(drawn: Drawn) -> None:
    """After Ctrl-Z and fg the lines of the shell stay."""
    drawn.draw("frame")
    drawn.window.type(b"$ fg\n")
    drawn.region.abandon()
    drawn.draw("again")
    assert drawn.window.lines == ["frame", "$ fg", "", "again"]


def test_a_terminal_that_is_gone_is_no_error(drawn: Drawn) -> None:
    """A closed window raises nothing."""
    os.close(drawn.window.master)
    drawn.draw("lost")
    drawn.region.draw(Text("lost"), last=True)
    drawn.region.write_line("lost")
    drawn.region.restore_terminal()
    drawn.window.master = os.open(os.devnull, os.O_RDONLY)


@pytest.mark.parametrize(("no_color", "expected"), [("", b"\x1b[32mframe\x1b[0m"), ("1", b"\nframe\n")])
def test_colours(no_color: str, expected: bytes, drawn: Drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR switches colours off."""
    if no_color:
        monkeypatch.setenv("NO_COLOR", no_color)
    drawn.region.write_line("")
    drawn.region.draw(Text("frame", "green"))
    assert drawn.window.lines == ["", "frame"]
    assert expected in drawn.window.raw.replace(b"\r", b"").replace(b"\x1b[?25h", b"").replace(
        b"\x1b[?25l", b""
    )
