"""Tests on machines without threads or file descriptors."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support.processes import FAST, environment, finish
from tests.support.sidecars import wait_for_event

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import StartSimulator

NO_THREADS = """
import threading, watcher.__main__ as program

def refuse(self):
    raise RuntimeError("can't start new thread")

threading.Thread.start = refuse
program.run()
"""
"""Python's behaviour when the process limit of a container is reached."""


def start(*arguments: str, base_uri: str) -> subprocess.Popen[str]:
    """Start the program on a machine without threads."""
    return subprocess.Popen(
        [sys.executable, "-c", NO_THREADS, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(base_uri),
    )


def test_a_success_without_threads(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """The result is reported, and the command runs."""
    simulator = start_simulator("happy", speed=1000.0)
    status = tmp_path / "status"
    go_on = ("--", "echo", "deployed")
    finished = finish(
        start(simulator.create(), *FAST, f"--status-file={status}", *go_on, base_uri=simulator.base_uri)
    )
    assert (finished.code, finished.out.splitlines()[-1]) == (0, "deployed")
    assert json.loads(status.read_bytes())["outcome"] == "complete"


def test_a_signal_without_threads(start_simulator: StartSimulator) -> None:
    """A signal ends the watch and is reported."""
    simulator = start_simulator("stuck")
    process = start(simulator.create(), *FAST, "--log-format=json", base_uri=simulator.base_uri)
    wait_for_event(process, "transition")
    process.send_signal(signal.SIGTERM)
    finished = finish(process)
    assert finished.code == finished.events[-1]["exit_code"] == 143


def test_a_lookup_without_threads() -> None:
    """A name lookup that fails for lack of threads is a network fault, not an internal error."""
    finished = finish(
        start("a/b/c/d", "--once", "--outage-budget=100ms", base_uri="https://no-thread.example")
    )
    assert finished.code == 75
    assert "name lookup of no-thread.example failed: resource temporarily unavailable" in finished.err


def test_a_fleet_with_few_descriptors(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """Requests leave file descriptors for the reports, so the result is written."""
    simulator = start_simulator("happy")
    status, targets = tmp_path / "status", tmp_path / "targets"
    targets.write_text("".join(f"p/e/s/{number}\n" for number in range(200)))
    command = ["sh", "-c", 'ulimit -n 60 && exec "$@"', "sh", sys.executable, "-m", "watcher"]
    options = ["--appear-within=0", f"--status-file={status}", "--log-level=error", "--output=json"]
    finished = subprocess.run(
        [*command, f"@{targets}", *options],
        env=environment(simulator.base_uri),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 5
    assert json.loads(status.read_bytes())["outcome"] == json.loads(finished.stdout)["outcome"] == "not_found"
    assert "Too many open files" not in finished.stderr
