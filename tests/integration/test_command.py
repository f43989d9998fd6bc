"""Tests of ``-- COMMAND`` and ``--dotenv``: what runs after the watch, and its variables."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.processes import environment, finish, full_pipe, run_watcher, start_watcher, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import StartSimulator

NOWHERE = environment("http://127.0.0.1:9")


def test_the_command_replaces_watcher(start_simulator: StartSimulator) -> None:
    """After a success the command runs with the result in its environment, and its exit code counts."""
    simulator = start_simulator("stuck")
    program = (
        "import json, os, signal; print('LD_ACCESS_TOKEN' in os.environ); "
        "print(json.loads(os.environ['WATCHER_RESULT_JSON'])['outcome'], os.environ['WATCHER_OUTCOME'], "
        "os.environ['WATCHER_LAST_STATUS'], os.environ['WATCHER_RESULT_CODE']); "
        "print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, "
        "signal.getsignal(signal.SIGINT) == signal.default_int_handler); raise SystemExit(42)"
    )
    finished = run_watcher(
        simulator.create(),
        "--until",
        "preparing",
        "--output",
        "text",
        "--",
        sys.executable,
        "-c",
        program,
        env=environment(simulator.base_uri),
    )
    assert finished.code == 42
    assert finished.out.splitlines()[1:] in (
        ["True", "reached reached preparing 0", "True True"],
        ["True", "reached reached ready 0", "True True"],
        ["True", "reached reached in_progress 0", "True True"],
    )


def test_a_signal_reaches_the_command(start_simulator: StartSimulator) -> None:
    """A signal ends the command as it would without watcher."""
    simulator = start_simulator("stuck")
    process = start_watcher(
        simulator.create(),
        "--until",
        "preparing",
        "--",
        "sh",
        "-c",
        "echo begun >&2; exec sleep 60",
        env=environment(simulator.base_uri),
    )
    assert process.stderr is not None
    while "begun" not in process.stderr.readline():
        pass
    process.terminate()
    assert finish(process).code == -signal.SIGTERM


def test_a_signal_at_the_end_runs_nothing(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """After a signal during the final reports the command does not start."""
    simulator = start_simulator("happy", speed=1000.0)
    ran = tmp_path / "ran"
    reader, writer = full_pipe()
    arguments = [simulator.create(), f"--termination-log={tmp_path / 'log'}", "--", "touch", str(ran)]
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", *arguments],
        stdout=writer,
        stderr=subprocess.PIPE,
        env=environment(simulator.base_uri),
    ) as process:
        wait_for((tmp_path / "log").exists)
        process.terminate()
        assert process.wait(5) == 143
        assert process.stderr is not None
        assert b"interrupted before touch began" in process.stderr.read()
    assert "complete after " in (tmp_path / "log").read_text()
    os.close(reader)
    os.close(writer)
    assert not ran.exists()


@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT], [signal.SIGTERM, signal.SIGTERM]])
def test_a_signal_during_a_blocked_write_runs_nothing(
    start_simulator: StartSimulator, tmp_path: Path, signals: list[signal.Signals]
) -> None:
    """After a signal while standard error is blocked the command does not start, and the code is not 0."""
    simulator = start_simulator("happy", speed=1000.0)
    ran, log = tmp_path / "ran", tmp_path / "log"
    reader, writer = full_pipe()
    arguments = [simulator.create(), f"--termination-log={log}", "--", "touch", str(ran)]
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=writer,
        env=environment(simulator.base_uri),
    ) as process:
        wait_for(log.exists)
        time.sleep(0.3)
        for number in signals:
            process.send_signal(number)
        assert process.wait(5) == 128 + signals[0]
    os.close(reader)
    os.close(writer)
    assert not ran.exists()


def test_a_failure_runs_nothing(start_simulator: StartSimulator) -> None:
    """The command runs on code 0 only, whatever the outcome is."""
    simulator = start_simulator("stuck")
    url = simulator.create()
    env = environment(simulator.base_uri)
    once = run_watcher(url, "--once", "--", "echo", "deployed", env=env)
    assert (once.code, "deployed" in once.out) == (8, False)
    remapped = run_watcher(url, "--once", "--exit-code", "pending=0", "--", "echo", "deployed", env=env)
    assert (remapped.code, "deployed" in remapped.out) == (0, True)


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (["no-such-program"], 127, "'no-such-program' not found"),
        (["./no-such-file"], 127, "not found"),
        (["/etc/passwd"], 126, "is not an executable file"),
        (["/"], 126, "is not an executable file"),
        ([], 2, "no command follows --"),
    ],
)
def test_a_missing_command_is_reported_before_the_watch(command: list[str], code: int, words: str) -> None:
    """A command that cannot run is reported before the first request."""
    finished = run_watcher("a/b/c/d", "--", *command, env=NOWHERE)
    assert finished.code == code
    assert words in finished.err
    assert finished.err.count("\n") == 1


def test_a_file_that_is_no_program(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """A file that the system refuses to run gives 126, and the reported result stays."""
    script = tmp_path / "script"
    script.write_bytes(b"\x7fELF\2\1\1\0\0\0 for another machine")
    script.chmod(0o755)
    simulator = start_simulator("stuck")
    url = simulator.create()
    status, dotenv, log = tmp_path / "status", tmp_path / "dotenv", tmp_path / "log"
    files = (f"--status-file={status}", f"--dotenv={dotenv}", f"--termination-log={log}")
    finished = run_watcher(
        url, "--until", "preparing", *files, "--", str(script), env=environment(simulator.base_uri)
    )
    assert finished.code == 126
    assert json.loads(status.read_text())["outcome"] == "reached"
    assert "WATCHER_OUTCOME=reached\n" in dotenv.read_text()
    assert "reached preparing at the first poll" in log.read_text()
    assert finished.out.startswith("reached ")
    assert "cannot be run: exec format error" in finished.err


def test_the_shell_runs_a_script_without_an_interpreter(
    start_simulator: StartSimulator, tmp_path: Path
) -> None:
    """A script without ``#!`` is run by the shell."""
    script = tmp_path / "script"
    script.write_text('echo "$0 got $1 after $WATCHER_OUTCOME"\nexit 7\n')
    script.chmod(0o755)
    simulator = start_simulator("stuck")
    until = (simulator.create(), "--until", "preparing")
    finished = run_watcher(*until, "--", str(script), "--now", env=environment(simulator.base_uri))
    assert finished.code == 7
    assert finished.out.endswith(f"{script} got --now after reached\n")


def test_a_result_too_large_for_a_variable(start_simulator: StartSimulator) -> None:
    """The command runs without WATCHER_RESULT_JSON if the system would refuse its size; a line says so."""
    simulator = start_simulator("stuck")
    targets = "".join(f"p/e/s/{number}\n" for number in range(400))
    program = "import os; print('WATCHER_RESULT_JSON' in os.environ)"
    options = ("--appear-within", "0", "--exit-code", "not_found=0", "--output", "json")
    finished = run_watcher(
        "-", *options, "--", sys.executable, "-c", program, env=environment(simulator.base_uri), text=targets
    )
    assert finished.code == 0, finished.err
    assert finished.out.splitlines()[-1] == "False"
    assert finished.err.count("warning: WATCHER_RESULT_JSON is not set: the result is too large") == 1


def test_dotenv(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """Every outcome writes the three variables of GitLab."""
    simulator = start_simulator("stopped")
    path = tmp_path / "watcher.env"
    finished = run_watcher(
        simulator.create(),
        "--min-interval",
        "50ms",
        "--dotenv",
        str(path),
        env=environment(simulator.base_uri),
    )
    assert finished.code == 3
    assert path.read_text() == "WATCHER_OUTCOME=stopped\nWATCHER_LAST_STATUS=stopped\nWATCHER_RESULT_CODE=3\n"


def test_a_dotenv_that_cannot_be_written(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """A missing folder is reported once and does not change the exit code."""
    simulator = start_simulator("stuck")
    options = ("--once", "--log-format", "json", "--dotenv", str(tmp_path / "missing" / "file"))
    finished = run_watcher(simulator.create(), *options, env=environment(simulator.base_uri))
    assert finished.code == 8
    (said,) = [event for event in finished.events if event["event"] == "report_failed"]
    assert "no such file or directory" in str(said["message"])
    assert json.loads(finished.err.splitlines()[-1])["event"] == "result"
