"""The simulator in a thread, and the program as a process."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from tests.support.forked import ForkedProcess, can_fork
from watcher.simulator import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_Value = TypeVar("_Value")

TOKEN = "api-secret-of-the-test"
FAST = ("--min-interval", "40ms", "--max-interval", "150ms")
SEGMENT = "/api/v2/segments/default/production/big-spenders"


@dataclass(frozen=True, slots=True)
class Simulator:
    """A simulator that runs in another thread."""

    base_uri: str

    def create(self, environment: str = "production", *, wait_on_approvals: bool = False) -> str:
        """Create an import and return its URL."""
        fields = {
            "mode": "replace",
            "waitOnApprovals": str(wait_on_approvals).lower(),
            'file"; filename="keys.csv': "user-1",
        }
        parts = [
            f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        request = urllib.request.Request(  # noqa: S310 (loopback)
            f"{self.base_uri}{SEGMENT.replace('production', environment)}/imports",
            data="".join([*parts, "--b--\r\n"]).encode(),
            headers={"Authorization": TOKEN, "Content-Type": "multipart/form-data; boundary=b"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 (loopback)
            return str(response.headers["Location"])


class StartSimulator(Protocol):
    """The type of the fixture `start_simulator`."""

    def __call__(
        self, scenario: str = "happy", *, speed: float = 20.0, rate_limit: int | None = None
    ) -> Simulator:
        """Start a simulator that stops at the end of the test."""
        ...


@contextmanager
def serving(scenario: str, speed: float, rate_limit: int | None) -> Iterator[Simulator]:
    """Run a simulator in a thread while the context lasts."""
    listening = threading.Event()
    base_uris: list[str] = []
    loops: list[asyncio.AbstractEventLoop] = []
    ended = asyncio.Event()

    async def run() -> None:
        async with serve(
            scenario=scenario, speed=speed, rate_limit=rate_limit, token=TOKEN, begin_when_read=True
        ) as base_uri:
            loops.append(asyncio.get_running_loop())
            base_uris.append(base_uri)
            listening.set()
            await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        assert listening.wait(10)
        yield Simulator(base_uris[0])
    finally:
        loops[0].call_soon_threadsafe(ended.set)
        thread.join(10)


@dataclass(frozen=True, slots=True)
class Finished:
    """The exit code and the output of a process."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, object]:
        """The JSON object on standard output."""
        parsed = json.loads(self.out)
        assert isinstance(parsed, dict)
        return parsed

    @property
    def events(self) -> list[dict[str, object]]:
        """The JSON objects on standard error."""
        return [json.loads(line) for line in self.err.splitlines()]


def environment(base_uri: str | None = None, **variables: str) -> dict[str, str]:
    """Return the environment for a process, without variables that would configure the program."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("WATCHER_", "LD_", "LAUNCHDARKLY_", "GITHUB_"))
        and not name.lower().endswith("_proxy")
        and name not in {"CI", "GITLAB_CI", "KUBERNETES_SERVICE_HOST"}
    }
    kept |= {"LD_ACCESS_TOKEN": TOKEN}
    if base_uri is not None:
        kept["LD_BASE_URI"] = base_uri
    return kept | variables


def start_watcher(
    *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.Popen[str]:
    """Start the program; in a forked process, where that is the same."""
    env = environment() if env is None else env
    return (
        ForkedProcess(*arguments, env=env, cwd=cwd)
        if can_fork(env)
        else start_interpreter(*arguments, env=env, cwd=cwd)
    )


def start_interpreter(
    *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.Popen[str]:
    """Start the program in a new interpreter, for tests of what happens before and during its imports."""
    return subprocess.Popen(
        [sys.executable, "-m", "watcher", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment() if env is None else env,
        cwd=cwd,
    )


def finish(process: subprocess.Popen[str], text: str = "", timeout: float = 60.0) -> Finished:
    """Wait until the program exits, and check that its output does not contain the token."""
    with process:
        try:
            out, err = process.communicate(text, timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert TOKEN not in out + err
    return Finished(process.returncode, out, err)


def full_pipe() -> tuple[int, int]:
    """Return the reader and the writer of a pipe whose buffer is full."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"." * 4096)
    os.set_blocking(writer, True)
    return reader, writer


def wait_for(condition: Callable[[], _Value | None], timeout: float = 20.0) -> _Value:
    """Poll a condition until it returns something true, and return that."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return value


def run_watcher(
    *arguments: str, env: Mapping[str, str] | None = None, text: str = "", cwd: Path | None = None
) -> Finished:
    """Run the program until it exits."""
    return finish(start_watcher(*arguments, env=env, cwd=cwd), text)
