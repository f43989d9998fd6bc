"""A pseudo-terminal with the program as its foreground job, and its screen."""

from __future__ import annotations

import fcntl
import os
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


def terminal_environment(base_uri: str | None = None, **variables: str) -> dict[str, str]:
    """Return the environment of an interactive shell on a terminal with 256 colours."""
    unwanted = {"NO_COLOR", "FORCE_COLOR", "COLORTERM", "COLUMNS", "LINES"}
    env = {name: value for name, value in environment(base_uri).items() if name not in unwanted}
    return env | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"} | variables


class Terminal:
    """One job in a pseudo-terminal with the screen of a VT100.

    The terminal reads the job's output only while a test waits for something.
    """

    def __init__(self, columns: int, lines: int) -> None:
        self.screen = pyte.HistoryScreen(columns, lines, history=10_000)
        self.raw = b""
        self.process: subprocess.Popen[bytes] | None = None
        self._stream = pyte.ByteStream(self.screen)
        self._master, self.slave = os.openpty()
        self.resize(columns, lines)

    def start(self, *arguments: str, env: dict[str, str], stdout: int | None = None) -> None:
        """Start the program in the foreground, with this terminal as its controlling terminal."""
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
        """Resize the window, which sends SIGWINCH to the job."""
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.resize(lines, columns)

    def type(self, text: str) -> None:
        """Send keyboard input."""
        os.write(self._master, text.encode())

    def take(self, seconds: float) -> None:
        """Read the output for some seconds."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0 and self._take_some(left):
            pass

    def wait_for(self, shown: Callable[[str], object], seconds: float = 20.0) -> str:
        """Read the output until the screen's text fulfils a condition, and return the text."""
        ends = time.monotonic() + seconds
        while not shown(self.text):
            assert self._take_some(ends - time.monotonic()), f"not on the screen in time:\n{self.text}"
        return self.text

    def finish(self, seconds: float = 20.0) -> int:
        """Read the output until the job exits, and return its exit code."""
        assert self.process is not None
        ends = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < ends, f"the program does not exit:\n{self.text}"
            self._take_some(0.02)
        while self._take_some(0.05):
            pass
        assert TOKEN.encode() not in self.raw
        return self.process.returncode

    @property
    def text(self) -> str:
        """The text in the window, without trailing blanks."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    @property
    def whole(self) -> str:
        """The text that has scrolled out of the window, and the text in it."""
        width = self.screen.columns
        above = ["".join(line[x].data for x in range(width)).rstrip() for line in self.screen.history.top]
        return "\n".join([*above, self.text])

    def close(self) -> None:
        """Kill the job and close the terminal."""
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
    """Open a terminal while the context lasts."""
    terminal = Terminal(columns, lines)
    try:
        yield terminal
    finally:
        terminal.close()
