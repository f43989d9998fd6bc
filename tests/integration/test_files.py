"""Tests of ``--status-file`` and ``--termination-log`` with real processes."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.processes import (
    FAST,
    TOKEN,
    environment,
    finish,
    full_pipe,
    run_watcher,
    start_watcher,
    wait_for,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import StartSimulator


def test_the_status_file_during_a_watch(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """A reader always finds complete JSON, with later and later statuses, and at last the result."""
    life = [None, "preparing", "ready", "in_progress", "complete"]
    simulator = start_simulator("happy", speed=5.0)
    path = tmp_path / "status.json"
    process = start_watcher(
        simulator.create(),
        *FAST,
        "--output",
        "json",
        "--status-file",
        str(path),
        env=environment(simulator.base_uri),
    )
    statuses: list[object] = []
    while process.poll() is None:
        if path.exists():
            assert stat.S_IMODE(path.stat().st_mode) == 0o644
            (one,) = json.loads(path.read_text())["imports"]
            statuses += [] if statuses[-1:] == [one["status"]] else [one["status"]]
        time.sleep(0.005)
    finished = finish(process)
    assert len(statuses) > 1  # on a busy machine, the reader misses some
    assert statuses == [status for status in life if status in statuses]
    assert json.loads(path.read_text()) == finished.result
    assert TOKEN not in path.read_text()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("scenario", "code"), [("happy", 0), ("stopped", 3)])
def test_the_termination_log(
    start_simulator: StartSimulator, tmp_path: Path, scenario: str, code: int
) -> None:
    """The message of a success or a failure replaces an older one."""
    simulator = start_simulator(scenario)
    path = tmp_path / "termination-log"
    path.write_text("of an earlier start\n" * 100)
    inode = path.stat().st_ino
    url = simulator.create()
    finished = run_watcher(url, *FAST, env=environment(simulator.base_uri, WATCHER_TERMINATION_LOG=str(path)))
    assert finished.code == code
    words = "complete after" if code == 0 else "create a new one"
    assert "(default/production/big-spenders/" in path.read_text()
    assert words in path.read_text()
    assert path.read_text().count("\n") == 1
    assert path.stat().st_ino == inode  # it is a mount in a container, which cannot be replaced


def test_files_that_cannot_be_written(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """Each file is reported once, and the exit code does not change."""
    simulator = start_simulator("stopped")
    status, log = tmp_path / "missing" / "status", tmp_path / "missing" / "log"
    finished = run_watcher(
        simulator.create(),
        *FAST,
        "--log-format=json",
        f"--status-file={status}",
        f"--termination-log={log}",
        env=environment(simulator.base_uri),
    )
    assert finished.code == 3
    failures = [str(event["message"]) for event in finished.events if event["event"] == "report_failed"]
    assert failures == [
        f"--status-file {status} could not be written: no such file or directory",
        f"--termination-log {log} could not be written: no such file or directory",
    ]


def test_kubernetes_without_a_termination_log(start_simulator: StartSimulator) -> None:
    """A missing default file in Kubernetes is not reported."""
    simulator = start_simulator("stuck")
    env = environment(simulator.base_uri, KUBERNETES_SERVICE_HOST="10.0.0.1")
    finished = run_watcher(simulator.create(), "--until", "preparing", "--log-level", "error", env=env)
    assert (finished.code, finished.err) == (0, "")


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_full_pipe_delays_no_timeout(start_simulator: StartSimulator, tmp_path: Path, name: str) -> None:
    """Polls, timeouts and files go on while a pipe is full; only the exit waits for its reader."""
    simulator = start_simulator("stuck")
    reader, writer = full_pipe()
    nobody = subprocess.DEVNULL
    log, status = tmp_path / "log", tmp_path / "status"
    arguments = ["--timeout=1s", "--output=jsonl", f"--termination-log={log}", f"--status-file={status}"]
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", simulator.create(), *FAST, *arguments],
        env=environment(simulator.base_uri),
        stdout=writer if name == "stdout" else nobody,
        stderr=writer if name == "stderr" else nobody,
    ) as process:
        wait_for(lambda: log.exists() and "timed out after 1s" in log.read_text("utf-8"))
        wait_for(lambda: json.loads(status.read_text("utf-8"))["outcome"] == "timeout")
        assert process.poll() is None
        os.close(reader)
        assert process.wait(5) == 124
    os.close(writer)


def test_a_full_pipe_before_the_first_request_delays_no_watch(
    start_simulator: StartSimulator, tmp_path: Path
) -> None:
    """The first lines wait for their reader, the watch does not."""
    simulator = start_simulator("happy", speed=1000.0)
    reader, writer = full_pipe()
    status = tmp_path / "status"
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", simulator.create(), "--progress=live", f"--status-file={status}"],
        env=environment(simulator.base_uri),
        stdout=subprocess.DEVNULL,
        stderr=writer,
    ) as process:
        wait_for(lambda: status.exists() and json.loads(status.read_bytes())["outcome"] == "complete")
        os.close(reader)
        assert process.wait(5) == 0
    os.close(writer)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_usage_error_that_nobody_reads(tmp_path: Path, number: int, code: int) -> None:
    """A usage error waits for a slow reader until a signal arrives."""
    reader, writer = full_pipe()
    status = tmp_path / "status"
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", "bad", f"--status-file={status}"], env=environment(), stderr=writer
    ) as process:
        wait_for(status.exists)
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(number)
        assert process.wait(5) == code
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("option", ["--dotenv", "--termination-log", "--status-file"])
def test_a_pipe_in_place_of_a_file_delays_nothing(
    start_simulator: StartSimulator, tmp_path: Path, option: str
) -> None:
    """A named pipe without a reader is reported once, and the exit code does not change."""
    simulator = start_simulator("happy", speed=1000.0)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    finished = run_watcher(simulator.create(), *FAST, option, str(pipe), env=environment(simulator.base_uri))
    assert finished.code == 0
    assert finished.err.count(f"{option} {pipe} could not be written") == 1
