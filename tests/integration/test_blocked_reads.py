"""Tests of inputs that never arrive: timeout, signals and endpoints work meanwhile."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.support.processes import FAST, TOKEN, environment, finish, run_watcher, start_watcher
from tests.support.sidecars import JSON_LOG, wait_for_event

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import StartSimulator

NOWHERE = environment("http://127.0.0.1:9")
CREATED = "HTTP/1.1 204 No Content\r\nLocation: {}\r\n\r\n"
READING = "while reading standard input"


def test_the_timeout_ends_a_wait_for_standard_input(tmp_path: Path) -> None:
    """The endpoints are up, one line says what is missing, and the result is reported everywhere."""
    status, dotenv = tmp_path / "status", tmp_path / "env"
    files = (f"--status-file={status}", f"--dotenv={dotenv}", f"--state-file={tmp_path / 'state'}")
    listen = ("--timeout=3s", "--listen=127.0.0.1:0", "--output=json")
    process = start_watcher("-", *listen, *files, *JSON_LOG, env=NOWHERE)
    began = time.monotonic()
    serving = wait_for_event(process, "serving")
    url = str(serving["message"]).rpartition(" ")[2]
    with urllib.request.urlopen(f"{url}/healthz", timeout=10) as response:  # noqa: S310 (loopback)
        assert response.status == 200
    with urllib.request.urlopen(f"{url}/status", timeout=10) as response:  # noqa: S310 (loopback)
        assert json.load(response)["outcome"] is None
    assert wait_for_event(process, "waiting_for_input")["message"] == "waiting for standard input"
    process.wait(20)
    assert time.monotonic() - began > 1.5
    finished = finish(process)
    assert finished.code == finished.result["exit_code"] == 124
    assert (finished.result["outcome"], finished.result["imports"]) == ("timeout", [])
    assert float(str(finished.result["elapsed_s"])) >= 3
    assert READING in str(finished.result["message"])
    assert json.loads(status.read_text()) == finished.result
    assert "WATCHER_OUTCOME=timeout\n" in dotenv.read_text()
    assert [event["event"] for event in finished.events] == ["result"]
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(("command", "code"), [([], 0), (["--", "echo", "ran"], 124)])
def test_no_command_follows_a_wait_for_standard_input(command: list[str], code: int) -> None:
    """Nothing was watched, so a command does not run even if the user made a timeout a success."""
    process = start_watcher("-", "--timeout=100ms", "--exit-code=timeout=0", *command, env=NOWHERE)
    assert process.wait(20) == code
    assert finish(process).out == ""


@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 143), ("SIGINT", 130), ("SIGHUP", 129)])
def test_a_signal_ends_a_wait_for_standard_input(tmp_path: Path, number: str, code: int) -> None:
    """A signal ends the read at once, and the result is reported everywhere."""
    ran = tmp_path / "ran"
    options = (f"--status-file={tmp_path / 'status'}", "--output=jsonl", *JSON_LOG)
    process = start_watcher("-", *options, "--", "touch", str(ran), env=NOWHERE)
    wait_for_event(process, "waiting_for_input")
    process.send_signal(signal.Signals[number])
    process.wait(5)
    finished = finish(process)
    assert finished.code == finished.result["exit_code"] == code
    assert (finished.result["event"], finished.result["outcome"]) == ("result", "interrupted")
    assert float(str(finished.result["elapsed_s"])) >= 2
    assert json.loads((tmp_path / "status").read_text())["message"] == (
        f"interrupted by {number} {READING}. Nothing was watched."
    )
    assert not ran.exists()


def test_a_pipe_that_stays_open(start_simulator: StartSimulator) -> None:
    """A complete header block is enough; the pipe need not be closed."""
    simulator = start_simulator("happy", speed=100.0)
    process = start_watcher("-", *FAST, env=environment(simulator.base_uri))
    assert process.stdin is not None
    process.stdin.write(CREATED.format(simulator.create()))
    process.stdin.flush()
    assert process.wait(30) == 0
    assert finish(process).out.startswith("complete default/production/big-spenders/")


@pytest.mark.parametrize("is_saved", [False, True])
def test_the_timeout_counts_from_the_start(
    start_simulator: StartSimulator, tmp_path: Path, *, is_saved: bool
) -> None:
    """The wait includes the time that the program before the pipe takes, also in a state file."""
    simulator = start_simulator("stuck")
    options = [f"--state-file={tmp_path / 'state'}"] if is_saved else []
    process = start_watcher("-", "--timeout=40s", *options, *JSON_LOG, env=environment(simulator.base_uri))
    assert process.stdin is not None
    wait_for_event(process, "waiting_for_input")
    process.stdin.write(CREATED.format(simulator.create()))
    process.stdin.flush()
    goal = re.fullmatch(
        r"until complete, for at most 40s; began (\d+)(?:\.\d)?s ago, not seen yet",
        str(wait_for_event(process, "watching")["goal"]),
    )
    assert goal is not None
    assert int(goal[1]) >= 2
    process.terminate()
    assert finish(process).code == 143


def test_a_new_import_may_be_missing_after_a_long_read(start_simulator: StartSimulator) -> None:
    """The patience with a 404 begins when standard input has named the import, not while it is awaited."""
    simulator = start_simulator("stuck")
    process = start_watcher("-", "--appear-within=1500ms", *JSON_LOG, env=environment(simulator.base_uri))
    assert process.stdin is not None
    wait_for_event(process, "waiting_for_input")
    process.stdin.write(CREATED.format("/api/v2/segments/p/e/s/imports/missing"))
    process.stdin.flush()
    ended = wait_for_event(process, "outcome")
    assert finish(process).code == 5
    assert ended["outcome"] == "not_found"
    assert isinstance(ended["polls"], int)
    assert ended["polls"] > 2


@pytest.mark.parametrize("arguments", [["a/b/c/d", "--token-file={}"], ["@{}"], ["a/b/c/d", "--ca-file={}"]])
@pytest.mark.parametrize("number", ["SIGTERM", None])
def test_a_pipe_without_a_writer(tmp_path: Path, arguments: list[str], number: str | None) -> None:
    """A file that is a pipe blocks neither the timeout nor a signal."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    timeout = "--timeout=1s" if number is None else "--timeout=1m"
    command = [argument.format(fifo) for argument in arguments]
    process = start_watcher(*command, timeout, *JSON_LOG, env=NOWHERE)
    if number is not None:
        wait_for_event(process, "waiting_for_input")
        process.send_signal(signal.Signals[number])
    process.wait(20)
    finished = finish(process)
    assert finished.code == (124 if number is None else 143)
    source = arguments[-1].removeprefix("@").replace("={}", " {}").format(fifo)
    assert f"while reading {source}." in str(finished.events[-1]["message"])


def test_a_token_from_process_substitution(start_simulator: StartSimulator) -> None:
    """A token file may be a pipe, which is read once."""
    simulator = start_simulator("happy", speed=100.0)
    command = f'"{sys.executable}" -m watcher "$@" --token-file <(sleep 0.2; printf %s "$token")'
    env = environment(simulator.base_uri, token=TOKEN) | {"LD_ACCESS_TOKEN": "wrong"}
    ended = subprocess.run(
        ["/bin/bash", "-c", command, "bash", simulator.create(), *FAST],
        check=False,
        capture_output=True,
        text=True,
        env=env,
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("redirect", ["<&-", "</dev/null", "0>/dev/null"])
def test_standard_input_without_an_import(redirect: str) -> None:
    """Standard input that is closed, empty or not readable is a usage error in one line."""
    command = f'"{sys.executable}" -m watcher - {redirect}'
    ended = subprocess.run(
        ["/bin/sh", "-c", command], check=False, capture_output=True, text=True, env=NOWHERE
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert ended.stderr.startswith("watcher: standard input ")


def test_a_wrong_command_line_waits_for_the_created_import() -> None:
    """A usage error names the import that is being created, even if that takes a moment."""
    process = start_watcher("-", "--bogus", env=NOWHERE)
    assert process.stdin is not None
    time.sleep(0.5)
    process.stdin.write(CREATED.format("/api/v2/segments/a/b/c/imports/d"))
    process.stdin.flush()
    assert process.wait(20) == 2
    assert "; import a/b/c/d was created but is not being watched. " in finish(process).err


@pytest.mark.parametrize(("timeout", "lines"), [("500ms", 1), ("1m", 2)])
def test_a_wrong_command_line_does_not_wait_for_long(timeout: str, lines: int) -> None:
    """A usage error is reported after five seconds at the latest, or the timeout if it is shorter."""
    process, began = start_watcher("-", "--bogus", f"--timeout={timeout}", env=NOWHERE), time.monotonic()
    assert process.wait(30) == 2
    assert time.monotonic() - began < 20
    said = finish(process).err
    assert said.endswith("watcher: no such option '--bogus'. See --help.\n")
    assert said.count("\n") == lines, "with a notice after two seconds"


def test_a_wrong_command_line_does_not_wait_for_a_terminal() -> None:
    """Nobody types the headers of a created import, so a terminal on standard input is not read."""
    terminal, standard_input = os.openpty()
    command = [sys.executable, "-m", "watcher", "-", "--bogus"]
    ended = subprocess.run(
        command, check=False, stdin=standard_input, capture_output=True, text=True, env=NOWHERE, timeout=60
    )
    os.close(standard_input)
    os.close(terminal)
    assert (ended.returncode, ended.stderr) == (2, "watcher: no such option '--bogus'. See --help.\n")


def test_another_host_is_named(start_simulator: StartSimulator) -> None:
    """A host that an earlier step has configured is named in the first line, the log and the result."""
    simulator = start_simulator("happy", speed=100.0)
    env = environment(simulator.base_uri, WATCHER_BASE_URI="")
    target = simulator.create()
    finished = run_watcher(target, "--once", "--output=json", env=env)
    words = f"polling {simulator.base_uri} (from LD_BASE_URI), which is not a LaunchDarkly host"
    assert finished.err.splitlines()[0].endswith(words)
    assert finished.result["base_uri"] == simulator.base_uri
    logged = run_watcher(target, "--once", *JSON_LOG, env=env)
    assert (logged.events[0]["event"], logged.events[0]["message"]) == ("base_uri", words)
