"""What all environments need: programs, processes, the simulator, a copy of the checkout."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, TypeVar
from weakref import WeakSet

from tests.support.paths import ROOT
from tests.support.processes import TOKEN, Simulator, environment
from tests.support.simulator_client import SEMANTIC_PATCH, approval

_Value = TypeVar("_Value")

SEARCH_PATH: Final = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
COMMAND_TIMEOUT: Final = 240.0
"""Seconds for one command. The environments run beside each other, so all are slow."""


_processes: Final[WeakSet[subprocess.Popen[str]]] = WeakSet()


class SkippedError(Exception):
    """The environment cannot run on this machine; the message is the reason."""


class FailedError(Exception):
    """A check failed; the message says which."""


class Program(NamedTuple):
    """A program and the package that has it, as ``apt: NAME``, ``pip: NAME`` or ``npm: NAME``."""

    name: str
    package: str


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment.

    Attributes:
        name: Its name on the command line.
        needs: The programs that it needs.
        run: The check. It gets an empty directory, and cleans up everything outside of it.
        root: Whether it needs root.
    """

    name: str
    needs: tuple[Program, ...]
    run: Callable[[Path], None]
    root: bool = False


def program(name: str) -> str:
    """Return the path of a program.

    Raises:
        SkippedError: It is not installed.
    """
    path = shutil.which(name, path=SEARCH_PATH)
    if path is None:
        raise SkippedError(f"{name} is not installed")
    return path


def expect(actual: object, expected: object, what: str) -> None:
    """Fail unless both values are equal."""
    if actual != expected:
        raise FailedError(f"{what}: expected {expected!r}, got {actual!r}")


def expect_that(condition: bool, what: str) -> None:
    """Fail unless a condition holds."""
    if not condition:
        raise FailedError(f"not true: {what}")


def expect_in(text: str, *parts: str) -> None:
    """Fail unless the text contains all parts, in this order, and no token."""
    position = 0
    for part in parts:
        position = text.find(part, position)
        if position < 0:
            raise FailedError(f"{part!r} is missing (or too early) in:\n{text}")
    if TOKEN in text:
        raise FailedError(f"the access token is in:\n{text}")


def wait_until(condition: Callable[[], _Value | None], what: str, timeout: float = 60.0) -> _Value:
    """Poll a condition until it returns something true, and return that.

    Raises:
        FailedError: Not within `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise FailedError(f"{what}: not within {timeout:g} s")
        time.sleep(0.1)
    return value


class Ended(NamedTuple):
    """The exit code and the output of a command, both streams together."""

    code: int
    output: str


def run(
    *command: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = COMMAND_TIMEOUT,
) -> Ended:
    """Run a command to its end.

    Raises:
        FailedError: It takes longer than `timeout` seconds. It was killed, with its child processes.
    """
    process = _spawn(command, env, cwd, subprocess.PIPE)
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        _kill(process)
        output, _ = process.communicate()
        raise FailedError(f"{_words(command)} takes longer than {timeout:g} s:\n{output}") from None
    return Ended(process.returncode, output)


def succeed(
    *command: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = COMMAND_TIMEOUT,
) -> str:
    """Run a command that must exit with 0, and return its output."""
    ended = run(*command, env=env, cwd=cwd, timeout=timeout)
    if ended.code != 0:
        raise FailedError(f"{_words(command)} exited with {ended.code}:\n{ended.output}")
    return ended.output


class Running:
    """A process in the background, with its log."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        """Its output so far."""
        return self._log.read_text("utf-8", "replace")

    def end(self, timeout: float = COMMAND_TIMEOUT) -> int:
        """Wait for its end and return the exit code."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise FailedError(f"still running after {timeout:g} s:\n{self.log}") from None


@contextmanager
def started(
    log: Path,
    *command: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stop: int = signal.SIGTERM,
) -> Iterator[Running]:
    """Run a process in the background, in a session of its own, and end it with all its children."""
    with log.open("w") as file:
        process = _spawn(command, env, cwd, file.fileno())
    try:
        yield Running(process, log)
    finally:
        if process.poll() is None:
            process.send_signal(stop)
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
        _kill(process)


@contextmanager
def simulator(
    folder: Path,
    scenario: str = "happy",
    *options: str,
    prefix: Sequence[str] = (),
    token: str = TOKEN,
) -> Iterator[Simulator]:
    """Run ``python -m watcher.simulator`` on loopback.

    Args:
        folder: A directory for its log.
        scenario: The life of every import.
        options: Further options.
        prefix: A command that runs the command, as ``ip netns exec`` does.
        token: The accepted token.
    """
    command = [*prefix, sys.executable, "-m", "watcher.simulator", "--scenario", scenario, "-v", *options]
    log = folder / f"simulator-{scenario}-{time.monotonic_ns()}.log"
    with started(log, *command, env=environment(LD_ACCESS_TOKEN=token), cwd=ROOT) as running:

        def listening() -> str:
            if running.process.poll() is not None:
                raise FailedError(f"the simulator does not start:\n{running.log}")
            return running.log.partition("listening on ")[2].partition("\n")[0]

        yield Simulator(wait_until(listening, "start of the simulator"))


def watcher(*arguments: str) -> list[str]:
    """Return the command that runs this checkout's watcher."""
    return [sys.executable, "-m", "watcher", *arguments]


def approve(url: str) -> None:
    """Approve the import with this URL in the simulator."""
    request = urllib.request.Request(  # noqa: S310 (loopback)
        url.rpartition("/imports/")[0],
        data=json.dumps(approval(url)).encode(),
        headers={"Authorization": TOKEN} | SEMANTIC_PATCH,
        method="PATCH",
    )
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310 (loopback)
        pass


def keys_of(url: str) -> str:
    """Return the target as four keys instead of as a URL."""
    *_, project, env, segment, _, import_id = url.split("/")
    return f"{project}/{env}/{segment}/{import_id}"


def copy_checkout(folder: Path) -> Path:
    """Copy the files that git tracks, as a new repository, and return its directory."""
    names = succeed(program("git"), "ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=ROOT)
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / "keys.csv").write_text("user-1\nuser-2\n")
    return folder


def commit_all(folder: Path) -> None:
    """Commit everything in a directory, which becomes a repository."""
    git = (program("git"), "-c", "user.name=test", "-c", "user.email=test@example.com")
    succeed(*git, "init", "-q", "-b", "main", ".", cwd=folder)
    succeed(*git, "add", "-A", cwd=folder)
    succeed(*git, "commit", "-q", "-m", "test", cwd=folder)


def kill_all() -> None:
    """Kill every process that was started and still runs, after a signal."""
    for process in list(_processes):
        if process.poll() is None:
            _kill(process)


def _spawn(
    command: Sequence[str | Path], env: Mapping[str, str] | None, cwd: Path | None, out: int
) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        list(command),
        env=environment(PATH=SEARCH_PATH) if env is None else env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    _processes.add(process)
    return process


def _kill(process: subprocess.Popen[str]) -> None:
    """Kill a process and what is left of its session."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _words(command: Sequence[str | Path]) -> str:
    return " ".join(Path(word).name if number == 0 else str(word) for number, word in enumerate(command))
