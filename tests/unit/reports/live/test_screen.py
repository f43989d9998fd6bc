"""The terminal under the live picture, looked at through an emulator."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import termios
import time
from typing import TYPE_CHECKING

import pyte
import pytest
from rich.text import Text

from watcher.reports.live.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Iterator


def read_all(master: int, slave: int) -> bytes:
    """Reads what was written to a pseudo-terminal, which the kernel hands over in its own time."""
    os.write(slave, b"\0")
    written = b""
    while not written.endswith(b"\0"):
        written += os.read(master, 65536)
    return written.removesuffix(b"\0")


class Window:
    """A pseudo-terminal with a screen on it, and what it shows."""

    def __init__(self) -> None:
        self.master, slave = os.openpty()
        self.file = os.fdopen(slave, "w")
        self.seen = b""
        self.shown = pyte.Screen(40, 10)
        self._stream = pyte.ByteStream(self.shown)
        self.resize(40, 10)
        self.screen = Screen(self.file)

    def resize(self, columns: int, lines: int) -> None:
        """Changes the size, without any event."""
        fcntl.ioctl(self.file.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def take(self, written: bytes) -> None:
        """Takes in what was written."""
        self.seen += written
        self._stream.feed(written)

    @property
    def lines(self) -> list[str]:
        """What the window shows by now."""
        self.take(read_all(self.master, self.file.fileno()))
        assert not self.shown.cursor.hidden
        assert self.shown.cursor.x == 0
        assert pyte.modes.DECAWM in self.shown.mode
        return [line.rstrip() for line in self.shown.display[: self.shown.cursor.y]]


@pytest.fixture
def window() -> Iterator[Window]:
    """A window whose screen is closed with the test."""
    window = Window()
    before = signal.getsignal(signal.SIGCONT)
    yield window
    window.screen.close()
    assert signal.getsignal(signal.SIGCONT) is not before
    window.file.close()
    os.close(window.master)


def test_frames_replace_each_other(window: Window) -> None:
    """Longer and shorter pictures leave nothing of each other, nor of what was typed meanwhile."""
    window.screen.draw([Text("one"), Text("two"), Text("three")])
    assert window.lines == ["one", "two", "three"]
    os.write(window.file.fileno(), b"^C")
    window.screen.draw([Text("1")])
    assert window.lines == ["1"]
    assert not "".join(window.shown.display[1:]).strip()


def test_lines_come_above_the_picture(window: Window) -> None:
    """A line that is printed meanwhile stands above the next frame, wrapped and whole; at the end below."""
    window.screen.write_line("before")
    window.screen.draw([Text("picture")])
    window.screen.write_line("x" * 50)
    assert window.lines == ["before", "picture"]
    window.screen.draw([Text("picture")])
    assert window.lines == ["before", "x" * 40, "x" * 10, "picture"]
    window.screen.write_line("last words")
    window.screen.leave([Text("end")])
    window.screen.write_line("after")
    assert window.lines == ["before", "x" * 40, "x" * 10, "last words", "end", "after"]


def test_lines_that_no_frame_took_are_not_lost(window: Window) -> None:
    """A defect that ends the view early still leaves what was said."""
    window.screen.draw([Text("picture")])
    window.screen.write_line("important")
    window.screen.close()
    assert window.lines == ["picture", "important"]


def test_a_narrower_window_folds_what_was_drawn(window: Window) -> None:
    """Where the terminal has folded the old lines, the new frame begins where they now begin."""
    window.screen.draw([Text("x" * 40), Text("y")])
    _ = window.lines
    window.resize(20, 10)
    window.screen.draw([Text("z")])
    assert b"\x1b[3A" in read_all(window.master, window.file.fileno())


def test_a_window_without_a_size_has_the_usual_one(window: Window) -> None:
    """Some consoles tell a size of 0 by 0."""
    assert window.screen.size == (40, 10)
    window.resize(0, 0)
    assert window.screen.size == (80, 24)


def test_nothing_waits_for_a_terminal_that_takes_nothing(window: Window) -> None:
    """Frames are left out while nobody reads them, and the picture is whole again afterwards."""
    began = time.monotonic()
    for number in range(600):
        window.screen.draw([Text(f"{number} " + "x" * 35) for _ in range(9)])
    window.screen.write_line("said meanwhile")
    assert time.monotonic() - began < 10
    for _ in range(3):
        while select.select([window.master], [], [], 0.2)[0]:
            window.take(os.read(window.master, 65536))
        window.screen.draw([Text("fine")])
    assert window.lines[-2:] == ["said meanwhile", "fine"]


def test_a_stopped_terminal_takes_no_frame(window: Window) -> None:
    """After Ctrl-S nothing is drawn, and after Ctrl-Q the newest picture."""
    termios.tcflow(window.file.fileno(), termios.TCOOFF)
    window.screen.draw([Text("old")])
    window.screen.draw([Text("newer")])
    termios.tcflow(window.file.fileno(), termios.TCOON)
    window.screen.draw([Text("newest")])
    assert window.lines == ["newest"]
    assert window.seen.count(b"old") == window.seen.count(b"newer") == 0


def test_in_the_background_nothing_is_drawn(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the shell has the terminal its lines stay, and the picture goes on below them."""
    window.screen.draw([Text("picture")])
    with monkeypatch.context() as background:
        background.setattr(os, "tcgetpgrp", lambda _: os.getpgrp() + 1)
        window.screen.draw([Text("unseen")])
    assert window.lines == ["picture"]
    os.write(window.file.fileno(), b"$ fg")
    window.screen.draw([Text("again")])
    assert window.lines == ["picture", "$ fg", "again"]
    os.write(window.file.fileno(), b"$ ")
    with monkeypatch.context() as background:
        background.setattr(os, "tcgetpgrp", lambda _: os.getpgrp() + 1)
        window.screen.leave([Text("end")])
    assert window.lines == ["picture", "$ fg", "again", "$", "end"]


def test_a_job_that_is_continued_begins_a_new_picture(window: Window) -> None:
    """After Ctrl-Z and fg the shell's lines stay."""
    window.screen.draw([Text("picture")])
    os.write(window.file.fileno(), b"$ fg\n")
    os.kill(os.getpid(), signal.SIGCONT)
    window.screen.draw([Text("again")])
    assert window.lines == ["picture", "$ fg", "", "again"]


def test_a_terminal_that_is_gone_is_no_error(window: Window) -> None:
    """Whoever closed the window is no longer looking."""
    os.close(window.master)
    window.screen.draw([Text("unseen")])
    window.screen.leave([Text("unseen")])
    window.screen.write_line("unseen")
    window.master = os.open(os.devnull, os.O_RDONLY)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"TERM": "xterm-256color"}, b"\x1b[32mpicture\x1b[0m"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, b"\x1b[Kpicture\n"),
    ],
)
def test_colours(variables: dict[str, str], expected: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR takes the colours away."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    window = Window()
    window.screen.draw([Text("picture", "green")])
    assert expected in read_all(window.master, window.file.fileno()).replace(b"\r\n", b"\n")
    window.screen.close()
    window.file.close()
    os.close(window.master)
