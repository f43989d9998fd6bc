"""Where programs run: a folder with a copy of the package and compiled bytecode, as if it were installed."""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from time import perf_counter
from typing import TYPE_CHECKING

from tests.benchmarks.server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.server import Server

PATIENCE = 120.0
"""Seconds after which a program that does not end is killed."""

_HERE = Path(__file__).parent
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process took.

    Attributes:
        wall: Seconds from before its start to after its end.
        peak: Its largest resident set, in bytes.
    """

    wall: float
    peak: int


@dataclass(frozen=True, slots=True)
class Running:
    """A process that was started.

    Attributes:
        process: The process.
        began: When it was started, by ``time.perf_counter``.
        err: What it writes to standard error.
    """

    process: subprocess.Popen[bytes]
    began: float
    err: Path

    @property
    def has_ended(self) -> bool:
        """Whether it has ended; what it took can still be asked for."""
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def finish(self, code: int) -> Usage:
        """Waits for its end.

        Args:
            code: The exit code that it must end with.

        Returns:
            What it took.

        Raises:
            RuntimeError: It ended otherwise, so that there is nothing to compare.
        """
        _, status, usage = os.wait4(self.process.pid, 0)
        wall = perf_counter() - self.began
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if self.process.returncode != code:
            tail = self.err.read_text("utf-8", errors="replace")[-2000:]
            raise RuntimeError(
                f"{self.process.args!r} ended with {self.process.returncode}, not {code}: {tail}"
            )
        return Usage(wall, usage.ru_maxrss * 1024)


@dataclass(frozen=True, slots=True)
class Workshop:
    """The folder, and the server that all programs ask.

    Attributes:
        folder: The current directory of every program.
        server: The server.
    """

    folder: Path
    server: Server

    @property
    def out(self) -> Path:
        """What the last program wrote to standard output."""
        return self.folder / "out"

    @property
    def err(self) -> Path:
        """What the last program wrote to standard error."""
        return self.folder / "err"

    @contextmanager
    def running(self, *arguments: str) -> Iterator[Running]:
        """Runs Python beside what happens in this context, after which it has ended.

        Args:
            *arguments: The interpreter's arguments.

        Yields:
            The process.
        """
        environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        environment |= {"LD_BASE_URI": self.server.base_uri, "LD_ACCESS_TOKEN": "api-benchmark"}
        with self.out.open("wb") as out, self.err.open("wb") as err:
            began = perf_counter()
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        guard = Timer(PATIENCE, process.kill)
        guard.start()
        try:
            yield Running(process, began, self.err)
        finally:
            guard.cancel()
            if process.returncode is None:
                process.kill()
                process.wait()

    def run(self, *arguments: str, code: int = 0) -> Usage:
        """Runs Python to its end.

        Args:
            *arguments: The interpreter's arguments.
            code: The exit code that it must end with.

        Returns:
            What it took.
        """
        with self.running(*arguments) as running:
            return running.finish(code)

    def write_targets(self, name: str, status: str, count: int) -> str:
        """Writes a file of targets.

        Args:
            name: The file's name.
            status: The status that the server gives them.
            count: How many.

        Returns:
            How the command line names the file.
        """
        lines = (f"default/{status}/big-spenders/{number:036}\n" for number in range(count))
        (self.folder / name).write_text("".join(lines), encoding="ascii")
        return f"@{name}"


@contextmanager
def opened() -> Iterator[Workshop]:
    """Sets a workshop up.

    Yields:
        The workshop; it is gone afterwards.
    """
    with TemporaryDirectory(prefix="watcher-benchmark-") as name:
        root = Path(name)
        folder, nginx = root / "programs", root / "nginx"
        nginx.mkdir()
        # A copy, so that nothing is edited while it is measured.
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(_HERE / "yardsticks", folder / "yardsticks", ignore=ignored)
        shutil.copytree(_HERE.parents[1] / "watcher", folder / "watcher", ignore=ignored)
        compileall.compile_dir(folder, quiet=1)
        with serving(nginx) as server:
            yield Workshop(folder, server)
