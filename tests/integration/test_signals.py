"""Tests of SIGINT and SIGTERM where a process is hard to end, with every report."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.processes import FAST, environment, finish, start_watcher
from tests.support.sidecars import JSON_LOG, wait_for_event
from tests.support.stopwatch import seconds_to_end
from watcher.cli.signals import EXIT_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.processes import StartSimulator

BOTH = pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])


STUCK = """
import time
from watcher.cli import signals as module
from tests.support.stopwatch import seconds_to_end
from watcher.cli.signals import Signals

module.EXIT_TIMEOUT = {timeout}
signals = Signals()
signals.install()
signals.exit_code = {exit_code}
signals.set_callback(lambda number: time.sleep(60))
print("ready", flush=True)
time.sleep(60)
"""


@dataclass(frozen=True, slots=True)
class Files:
    """All files that a run can write, in one folder."""

    folder: Path

    @property
    def options(self) -> list[str]:
        """The options that request them."""
        return [
            "--output=json",
            f"--status-file={self.folder / 'status.json'}",
            f"--termination-log={self.folder / 'termination.log'}",
            f"--dotenv={self.folder / 'watcher.env'}",
        ]

    def check(self, code: int) -> None:
        """Check that each file reports the signal, and that there are no others."""
        status = json.loads((self.folder / "status.json").read_text())
        assert (status["outcome"], status["exit_code"]) == ("interrupted", code)
        assert "interrupted by SIG" in (self.folder / "termination.log").read_text()
        assert f"WATCHER_RESULT_CODE={code}\n" in (self.folder / "watcher.env").read_text()
        assert len(list(self.folder.iterdir())) == 3


def signal_and_check(process: subprocess.Popen[str], number: int, code: int, files: Files) -> None:
    """Send a signal, and check that the process ends within a second and reports everything."""
    took = seconds_to_end(process, number)
    finished = finish(process)
    assert took < 1
    assert finished.code == code
    assert finished.result["exit_code"] == code
    files.check(code)


@contextmanager
def throttling() -> Iterator[str]:
    """Run a server that asks to wait ten minutes."""

    class Throttling(BaseHTTPRequestHandler):
        """Respond with 429."""

        def do_GET(self) -> None:
            """Respond to one poll."""
            self.send_response(429)
            self.send_header("Retry-After", "600")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Throttling) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("exit_code", "code"), [(None, 143), (3, 3), (0, 0)])
@pytest.mark.parametrize(("signals", "timeout"), [(1, EXIT_TIMEOUT), (2, 600)])
def test_a_shutdown_that_hangs(exit_code: int | None, code: int, signals: int, timeout: float) -> None:
    """One signal ends the process soon, a second one at once; a final exit code is kept."""
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK.format(exit_code=exit_code, timeout=timeout)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    for _ in range(signals):
        time.sleep(0.2)  # two pending signals would arrive as one
        process.terminate()
    assert finish(process, timeout=10).code == code


@BOTH
def test_while_throttled(tmp_path: Path, number: int, code: int) -> None:
    """A signal ends a wait that the API asked for."""
    files = Files(tmp_path)
    with throttling() as base_uri:
        process = start_watcher("a/b/c/d", *files.options, *JSON_LOG, env=environment(base_uri))
        wait_for_event(process, "throttled")
        signal_and_check(process, number, code, files)


@BOTH
def test_while_a_name_is_looked_up(tmp_path: Path, number: int, code: int) -> None:
    """A signal ends the watch during a name lookup that hangs and cannot be cancelled."""
    files = Files(tmp_path)
    program = (
        "import socket, time, watcher.__main__ as m\n"
        'def hang(*a, **k): print(\'{"event": "looking"}\', file=sys.stderr, flush=True); time.sleep(60)\n'
        "import sys; socket.getaddrinfo = hang; m.run()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, "a/b/c/d", *files.options, *JSON_LOG],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment("https://slow-to-find.example"),
    )
    wait_for_event(process, "looking")
    signal_and_check(process, number, code, files)


@BOTH
def test_as_process_1(start_simulator: StartSimulator, tmp_path: Path, number: int, code: int) -> None:
    """A signal ends process 1 of a container, which has no default action."""
    unshare = shutil.which("unshare") or ""
    if not unshare or subprocess.run([unshare, "--pid", "--fork", "true"], check=False).returncode != 0:
        pytest.skip("this user cannot make a namespace of processes")
    files = Files(tmp_path)
    simulator = start_simulator("stuck")
    command = [sys.executable, "-m", "watcher", simulator.create(), *FAST, *files.options, *JSON_LOG]
    outer = subprocess.Popen(
        [unshare, "--pid", "--fork", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(simulator.base_uri),
    )
    wait_for_event(outer, "transition")
    (inner,) = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
    took = seconds_to_end(outer, number, int(inner))
    finished = finish(outer)
    assert took < 1
    assert finished.code == code
    assert finished.result["exit_code"] == code
    files.check(code)


def end_unread(target: str, base_uri: str, folder: Path, number: int, code: int) -> float:
    """Send a signal while a pipe is full, check the files, and return the seconds until the end."""
    folder.mkdir()
    files = Files(folder)
    flood = ("--output=jsonl", "--heartbeat=1ms", "--log-level=error", *JSON_LOG)
    process = start_watcher(target, *files.options, *flood, env=environment(base_uri))
    assert process.stdout is not None
    process.stdout.read(1)
    time.sleep(1.5)  # for the pipe to fill
    took = seconds_to_end(process, number)
    finished = finish(process)
    assert finished.code == finished.events[-1]["exit_code"] == code
    files.check(code)
    return took


@BOTH
def test_while_nobody_reads(start_simulator: StartSimulator, tmp_path: Path, number: int, code: int) -> None:
    """A full pipe delays no other report: the files have the result."""
    simulator = start_simulator("stuck")
    url = simulator.create()
    assert end_unread(url, simulator.base_uri, tmp_path / "files", number, code) < 1
