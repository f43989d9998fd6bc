"""Pseudo-terminals with an emulator: one that runs the program, and one for code of the same process."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyte

from tests.support.processes import TOKEN, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BECOME_A_JOB = (
    "import fcntl, os, sys, termios\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execv(sys.argv[1], sys.argv[1:])\n"
)


# A narrow terminal wraps the line between any two characters.
_HOST = re.compile(r"\d\d:\d\d:\d\d\s*polling [^✓■]{0,120}?h\n?o\n?s\n?t(\n|$)")


def terminal_environment(base_uri: str | None = None, **variables: str) -> dict[str, str]:
    """Return the environment of an interactive shell, with a terminal of 256 colours."""
    unwanted = {"NO_COLOR", "FORCE_COLOR", "COLORTERM", "COLUMNS", "LINES"}
    env = {name: value for name, value in environment(base_uri).items() if name not in unwanted}
    return env | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"} | variables


class Terminal:
    """A pseudo-terminal that runs the program in the foreground.

    Its output is read only while a test waits for something.
    """

    def __init__(self, columns: int, lines: int) -> None:
        self.screen = pyte.HistoryScreen(columns, lines, history=10_000)
        self.raw = b""
        self.process: subprocess.Popen[bytes] | None = None
        self._stream = pyte.ByteStream(self.screen)
        self._master, self.slave = os.openpty()
        self.resize(columns, lines)

    def start(self, *arguments: str, env: dict[str, str], stdout: int | None = None) -> None:
        """Start the program as a foreground job of this terminal."""
        command = [
            sys.executable,
            "-I",
            "-S",
            "-c",
            _BECOME_A_JOB,
            sys.executable,
            "-m",
            "watcher",
            *arguments,
        ]
        out = self.slave if stdout is None else stdout
        self.process = subprocess.Popen(
            command, stdin=self.slave, stdout=out, stderr=self.slave, env=env, start_new_session=True
        )

    def resize(self, columns: int, lines: int) -> None:
        """Change the size of the window; the job receives SIGWINCH."""
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.resize(lines, columns)

    def type(self, text: str) -> None:
        """Type on the keyboard."""
        os.write(self._master, text.encode())

    def take(self, seconds: float) -> None:
        """Read output for a number of seconds."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0 and self._take_some(left):
            pass

    def wait_for(self, shown: Callable[[str], object], seconds: float = 20.0) -> str:
        """Read output until the screen fulfils a condition, and return the text of the screen."""
        ends = time.monotonic() + seconds
        while not shown(self.text):
            assert self._take_some(ends - time.monotonic()), f"the screen does not show it:\n{self.text}"
        return self.text

    def finish(self, seconds: float = 20.0) -> int:
        """Read output until the program exits, and return its exit code."""
        assert self.process is not None
        ends = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < ends, f"the program does not end:\n{self.text}"
            self._take_some(0.02)
        while self._take_some(0.05):
            pass
        assert TOKEN.encode() not in self.raw
        return self.process.returncode

    @property
    def text(self) -> str:
        """The text on the screen without trailing blanks, and without the line about the simulator's host."""
        return _HOST.sub("", "\n".join(line.rstrip() for line in self.screen.display).rstrip())

    @property
    def whole(self) -> str:
        """Like ``text``, with what was scrolled out above it."""
        width = self.screen.columns
        above = ["".join(line[x].data for x in range(width)).rstrip() for line in self.screen.history.top]
        below = [line.rstrip() for line in self.screen.display]
        return _HOST.sub("", "\n".join([*above, *below]).rstrip())

    def close(self) -> None:
        """Kill the program and close the terminal."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.slave)
        os.close(self._master)

    def _take_some(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], max(0.0, seconds))[0]:
            return False
        some = os.read(self._master, 65536)
        self.raw += some
        self._stream.feed(some)
        return True


@contextmanager
def opened(columns: int = 110, lines: int = 24) -> Iterator[Terminal]:
    """Open a terminal for the duration of the context."""
    terminal = Terminal(columns, lines)
    try:
        yield terminal
    finally:
        terminal.close()


class Window:
    """A pseudo-terminal of 40 columns and 10 lines for code of this process.

    Attributes:
        file: The text file to write to.
        master: The descriptor of the other side; whatever was written is read from it.
        raw: All bytes that were read.
        screen: The emulator.
    """

    def __init__(self) -> None:
        self.master, slave = os.openpty()
        self.file = os.fdopen(slave, "w")
        self.raw = b""
        self.screen = pyte.Screen(40, 10)
        self._stream = pyte.ByteStream(self.screen)
        self.resize(40, 10)

    def resize(self, columns: int, lines: int) -> None:
        """Change the size of the terminal, but not of the emulator."""
        fcntl.ioctl(self.file.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, text: bytes) -> None:
        """Write text as another program would."""
        os.write(self.file.fileno(), text)

    def take(self, written: bytes) -> None:
        """Show bytes that were read from the terminal."""
        self.raw += written
        self._stream.feed(written)

    @property
    def lines(self) -> list[str]:
        """The lines above the cursor, which must be visible at the start of a line."""
        self.take(read_all(self.master, self.file.fileno()))
        assert not self.screen.cursor.hidden
        assert self.screen.cursor.x == 0
        return [line.rstrip() for line in self.screen.display[: self.screen.cursor.y]]

    def close(self) -> None:
        """Close both sides."""
        self.file.close()
        os.close(self.master)


def read_all(master: int, slave: int) -> bytes:
    """Read everything that was written to a pseudo-terminal; the kernel may deliver it late."""
    os.write(slave, b"\0")
    written = b""
    while not written.endswith(b"\0"):
        written += os.read(master, 65536)
    return written.removesuffix(b"\0")
