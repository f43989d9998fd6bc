"""A terminal as a person has it: a pseudo-terminal with a job in it, and what its screen shows."""

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
    """The environment of a person's shell, and of no pipeline, where it sees a terminal of 256 colours."""
    pipelines = (
        "CI",
        "GITHUB_ACTIONS",
        "GITLAB_CI",
        "NO_COLOR",
        "FORCE_COLOR",
        "COLORTERM",
        "COLUMNS",
        "LINES",
    )
    env = {name: value for name, value in environment(base_uri).items() if name not in pipelines}
    return env | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"} | variables


class Terminal:
    """One job in a pseudo-terminal; the screen is that of a VT100.

    What the job writes is taken in only while a test waits for something.
    """

    def __init__(self, columns: int, lines: int) -> None:
        self.screen = pyte.HistoryScreen(columns, lines, history=10_000)
        self.raw = b""
        self.process: subprocess.Popen[bytes] | None = None
        self._stream = pyte.ByteStream(self.screen)
        self._master, self.slave = os.openpty()
        self.resize(columns, lines)

    def start(self, *arguments: str, env: dict[str, str], stdout: int | None = None) -> None:
        """Starts the program in the foreground, with this terminal as the one that controls it."""
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
        """Changes the size of the window, which signals SIGWINCH to the job."""
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.resize(lines, columns)

    def type(self, text: str) -> None:
        """Types on the keyboard."""
        os.write(self._master, text.encode())

    def take(self, seconds: float) -> None:
        """Takes in what is written within a time."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0 and self._take_some(left):
            pass

    def wait_for(self, shown: Callable[[str], object], seconds: float = 20.0) -> str:
        """Takes in what is written until the screen shows something; gives the screen."""
        ends = time.monotonic() + seconds
        while not shown(self.text):
            assert self._take_some(ends - time.monotonic()), f"the screen does not show it:\n{self.text}"
        return self.text

    def finish(self, seconds: float = 20.0) -> int:
        """Takes in all that is written until the job's end; gives its code."""
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
        """What the window shows, without what is blank at the ends."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    @property
    def whole(self) -> str:
        """What was scrolled out of the window, and what it shows."""
        width = self.screen.columns
        above = ["".join(line[x].data for x in range(width)).rstrip() for line in self.screen.history.top]
        return "\n".join([*above, self.text])

    def close(self) -> None:
        """Ends the job and the terminal."""
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
    """Opens a terminal for as long as the context lasts."""
    terminal = Terminal(columns, lines)
    try:
        yield terminal
    finally:
        terminal.close()
