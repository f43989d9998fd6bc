"""A directory with a copy of the package and compiled bytecode, as if it were installed."""

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

TIMEOUT = 120.0
"""Seconds after which a program that does not exit is killed."""

_HERE = Path(__file__).parent
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")


@dataclass(frozen=True, slots=True)
class Usage:
    """The resources that a process used.

    Attributes:
        wall: Seconds from its start to its exit.
        peak: Its peak resident set, in bytes.
    """

    wall: float
    peak: int


@dataclass(frozen=True, slots=True)
class Running:
    """A running process.

    Attributes:
        process: The process.
        began: Its start, by ``time.perf_counter``.
        err: The file with its standard error.
    """

    process: subprocess.Popen[bytes]
    began: float
    err: Path

    @property
    def has_ended(self) -> bool:
        """Whether it has exited; `finish` still works afterwards."""
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def finish(self, code: int) -> Usage:
        """Wait until it exits.

        Args:
            code: The expected exit code.

        Returns:
            The resources that it used.

        Raises:
            RuntimeError: The exit code is another one.
        """
        _, status, usage = os.wait4(self.process.pid, 0)
        wall = perf_counter() - self.began
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if self.process.returncode != code:
            tail = self.err.read_text("utf-8", errors="replace")[-2000:]
            raise RuntimeError(
                f"{self.process.args!r} exited with {self.process.returncode}, not {code}: {tail}"
            )
        return Usage(wall, usage.ru_maxrss * 1024)


@dataclass(frozen=True, slots=True)
class Runner:
    """The directory, and the server that all programs poll.

    Attributes:
        folder: The current directory of every program.
        server: The server.
    """

    folder: Path
    server: Server

    @property
    def out(self) -> Path:
        """The file with the last program's standard output."""
        return self.folder / "out"

    @property
    def err(self) -> Path:
        """The file with the last program's standard error."""
        return self.folder / "err"

    @contextmanager
    def running(self, *arguments: str) -> Iterator[Running]:
        """Run Python with these arguments while the context lasts, and yield the process."""
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
        guard = Timer(TIMEOUT, process.kill)
        guard.start()
        try:
            yield Running(process, began, self.err)
        finally:
            guard.cancel()
            if process.returncode is None:
                process.kill()
                process.wait()

    def run(self, *arguments: str, code: int = 0) -> Usage:
        """Run Python until it exits with the expected code, and return the resources that it used."""
        with self.running(*arguments) as running:
            return running.finish(code)

    def write_targets(self, name: str, status: str, count: int) -> str:
        """Write a file of targets.

        Args:
            name: The file's name.
            status: The status that the server returns for them.
            count: The number of targets.

        Returns:
            The command-line argument for the file.
        """
        lines = (f"default/{status}/big-spenders/{number:036}\n" for number in range(count))
        (self.folder / name).write_text("".join(lines), encoding="ascii")
        return f"@{name}"


@contextmanager
def open_runner() -> Iterator[Runner]:
    """Create a runner, and remove its directory at the end of the context."""
    with TemporaryDirectory(prefix="watcher-benchmark-") as name:
        root = Path(name)
        folder, nginx = root / "programs", root / "nginx"
        nginx.mkdir()
        # A copy, so that edits during a measurement have no effect.
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(_HERE / "baselines", folder / "baselines", ignore=ignored)
        shutil.copytree(_HERE.parents[1] / "watcher", folder / "watcher", ignore=ignored)
        compileall.compile_dir(folder, quiet=1)
        with serving(nginx) as server:
            yield Runner(folder, server)
