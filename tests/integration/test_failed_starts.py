"""Tests of runs that watch nothing: every report that was asked for says why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.processes import environment, full_pipe, run_watcher
from watcher.state.disk import open_state_file

NOWHERE = environment("http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["a/b"], 2),
        (["a/b/c/d", "--timeout", "soon"], 2),
        (["a/b/c/d", "--", "no-such-command"], 127),
        (["a/b", "--exit-code=usage=64"], 64),
        (["a/b", "--exit-code=usage=0"], 0),
        (["--bad", "--exit-code=usage=64"], 64),
        (["a/b", "--exit-code=usage=64", "--exit-code=bogus=1"], 2),
        (["a/b", "--exit-code=usage=0", "--", "true"], 2),
        (["a/b/c/d", "--exit-code=usage=64", "--", "no-such-command"], 127),
    ],
)
def test_files_of_an_earlier_run_are_replaced(tmp_path: Path, arguments: list[str], code: int) -> None:
    """Files of an earlier run are replaced, so nobody reads an outdated success."""
    dotenv, status, log = tmp_path / "env", tmp_path / "status", tmp_path / "log"
    dotenv.write_text("WATCHER_OUTCOME=complete\n")
    status.write_text('{"outcome": "complete", "exit_code": 0}')
    files = [f"--dotenv={dotenv}", f"--status-file={status}", f"--termination-log={log}"]
    finished = run_watcher(*files, *arguments, env=NOWHERE)
    assert finished.code == code
    variables = dotenv.read_text()
    assert variables == f"WATCHER_OUTCOME=usage\nWATCHER_LAST_STATUS=\nWATCHER_RESULT_CODE={code}\n"
    result = json.loads(status.read_text())
    assert (result["outcome"], result["exit_code"], result["imports"]) == ("usage", code, [])
    assert log.read_text() == finished.err


@pytest.mark.parametrize("output", ["json", "jsonl"])
@pytest.mark.parametrize("arguments", [["a/b"], ["a/b/c/d", "--timeout", "soon"]])
def test_standard_output_has_a_result(arguments: list[str], output: str) -> None:
    """--output json and jsonl print a result with the reason."""
    finished = run_watcher(*arguments, "--output", output, env=NOWHERE)
    assert finished.code == finished.result["exit_code"] == 2
    assert (finished.result["outcome"], finished.result["imports"]) == ("usage", [])


@pytest.mark.parametrize(("remapped", "code"), [("", 2), ("usage=64", 64)])
def test_a_github_step_has_outputs(tmp_path: Path, remapped: str, code: int) -> None:
    """A GitHub step with a usage error still sets its outputs."""
    outputs = tmp_path / "outputs"
    step = {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(outputs), "WATCHER_EXIT_CODE": remapped}
    finished = run_watcher("a/b", env=NOWHERE | step)
    assert finished.code == code
    lines = outputs.read_text().splitlines()
    values = {lines[number].partition("<<")[0]: lines[number + 1] for number in range(0, len(lines), 3)}
    result = json.loads(values.pop("result"))
    assert (result["outcome"], result["exit_code"]) == ("usage", code)
    assert values == {"outcome": "usage", "status": "", "exit-code": str(code), "elapsed-seconds": "0.0"}


@pytest.mark.parametrize(
    ("arguments", "code", "before", "after"),
    [
        (["--timeout", "1hour", "-"], 2, "1h30m or 500ms", ""),
        (["-", "--bad"], 2, "no such option '--bad'", " See --help."),
        (["-", "--base-uri", "http://127.0.0.1:10"], 2, "http://127.0.0.1:10", " If that host is right, add"),
        (["-", "--", "no-such-command"], 127, "'no-such-command' not found", " Check its spelling and PATH."),
    ],
)
def test_an_import_that_was_created_is_not_lost(
    arguments: list[str], code: int, before: str, after: str
) -> None:
    """If the creation of an import is piped into a wrong command line, the message names the import."""
    created = (
        "HTTP/1.1 204 No Content\r\nLocation: http://127.0.0.1:9/api/v2/segments/a/b/c/imports/d\r\n\r\n"
    )
    finished = run_watcher(*arguments, env=NOWHERE, text=created)
    assert finished.code == code
    clause = f"{before}; import a/b/c/d was created but is not being watched.{after}"
    assert clause in finished.err
    assert finished.err.count(". ") <= 1
    assert finished.err.count("\n") == 1


@pytest.mark.parametrize("arguments", ["-", "- --timeout 1hour"])
def test_standard_input_that_cannot_be_read(tmp_path: Path, arguments: str) -> None:
    """Standard input that is open for writing only is a usage error."""
    command = f'"{sys.executable}" -m watcher {arguments} 0>"{tmp_path}/out"'
    shell = subprocess.run(
        ["/bin/sh", "-c", command], check=False, capture_output=True, text=True, env=NOWHERE
    )
    assert shell.returncode == 2
    assert shell.stderr.count("\n") == 1
    assert ("standard input cannot be read: bad file descriptor" in shell.stderr) == (arguments == "-")


def test_a_pipe_without_an_import_adds_nothing() -> None:
    """If no import was created, the message is about the arguments only."""
    finished = run_watcher("-", "--timeout", "1hour", env=NOWHERE, text="HTTP/1.1 409 Conflict\r\n\r\n")
    assert finished.code == 2
    assert "was created" not in finished.err


def test_files_that_cannot_be_written_change_nothing(tmp_path: Path) -> None:
    """A usage error is reported once, even if its files cannot be written."""
    missing = tmp_path / "missing" / "file"
    finished = run_watcher("a/b", f"--dotenv={missing}", f"--termination-log={missing}", env=NOWHERE)
    assert finished.code == 2
    assert finished.err.count("\n") == 1


@pytest.mark.parametrize("option", ["--status-file", "--dotenv", "--termination-log"])
@pytest.mark.parametrize("read", ["--state-file=", "--token-file=", "--ca-file=", "@"])
def test_a_file_that_is_read_is_never_written(tmp_path: Path, option: str, read: str) -> None:
    """A file that is named for two purposes keeps its content, such as a token."""
    precious = tmp_path / "precious"
    precious.write_text("of an earlier run")
    finished = run_watcher("a/b", f"{read}{precious}", f"{option}={precious}", env=NOWHERE)
    assert finished.code == 2
    assert precious.read_text() == "of an earlier run"


@pytest.mark.parametrize("arguments", [["--bad"], ["a/b/c/d", "--state-file=x"]])
def test_a_working_directory_that_was_deleted(tmp_path: Path, arguments: list[str]) -> None:
    """A deleted working directory is a usage error and no defect."""
    gone = tmp_path / "gone"
    gone.mkdir()
    folder = Path(__file__).parents[2]
    script = f'rmdir "$PWD" && exec {sys.executable} -m watcher "$@"'
    env = NOWHERE | {"PYTHONPATH": str(folder)}
    command = ["sh", "-c", script, "sh", *arguments, "--status-file=y"]
    finished = subprocess.run(command, cwd=gone, env=env, capture_output=True, text=True, check=False)
    assert finished.returncode == 2
    assert finished.stderr.count("\n") == 1


def test_tls_that_cannot_be_prepared() -> None:
    """A broken SSLKEYLOGFILE is a usage error that names the variable."""
    finished = run_watcher("a/b/c/d", env=NOWHERE | {"SSLKEYLOGFILE": "/nowhere/keys"})
    assert finished.code == 2
    assert "no such file or directory. Check SSLKEYLOGFILE" in finished.err


def test_a_busy_state_file_runs_no_command(tmp_path: Path) -> None:
    """With a busy state file no command runs, and its exit code is never 0."""
    look, command = ["a/b/c/d", "--once", f"--state-file={tmp_path / 'state'}"], ["--", "echo", "deployed"]
    with open_state_file(tmp_path / "state", pytest.fail):
        assert run_watcher(*look, "--exit-code=unavailable=0", env=NOWHERE).code == 0
        to_0 = run_watcher(*look, "--exit-code=unavailable=0", *command, env=NOWHERE)
        to_10 = run_watcher(*look, "--exit-code=unavailable=10", *command, env=NOWHERE)
    assert (to_0.code, to_0.out, to_10.code, to_10.out) == (75, "", 10, "")


@pytest.mark.parametrize("output", ["json", "jsonl"])
def test_a_busy_state_file_protects_the_files_of_its_run(tmp_path: Path, output: str) -> None:
    """A run that finds its state file busy prints its result and leaves files to the other run."""
    status = tmp_path / "status"
    status.write_text("of the other run")
    with open_state_file(tmp_path / "state", pytest.fail):
        arguments = ["a/b/c/d", "--once", f"--state-file={tmp_path / 'state'}", f"--status-file={status}"]
        finished = run_watcher(*arguments, f"--output={output}", env=NOWHERE)
    assert (finished.code, finished.result["outcome"]) == (75, "unavailable")
    assert finished.result.get("event") == ("result" if output == "jsonl" else None)
    assert status.read_text() == "of the other run"


@pytest.mark.parametrize("output", ["json", "jsonl"])
def test_a_slow_reader_gets_the_result(output: str) -> None:
    """A full pipe delays the result of a run that watches nothing, and is no defect."""
    reader, writer = full_pipe()
    command = [sys.executable, "-m", "watcher", "--bogus", f"--output={output}"]
    with subprocess.Popen(command, env=NOWHERE, stdout=writer, stderr=subprocess.PIPE, text=True) as process:
        os.close(writer)
        assert process.stderr is not None
        first = process.stderr.readline()
        with os.fdopen(reader, "rb") as pipe:
            text = pipe.read().lstrip(b".")
        assert process.wait(20) == 2
        assert process.stderr.read() == ""
    assert first.startswith("watcher: no such option")
    assert json.loads(text)["outcome"] == "usage"


@pytest.mark.parametrize("damage", ["a hard link", "writable by others"])
def test_a_lock_that_is_held_is_respected(tmp_path: Path, damage: str) -> None:
    """A lock file with a second link or open modes is not set aside while another run holds it."""
    with open_state_file(tmp_path / "state", pytest.fail):
        lock = tmp_path / "state.lock"
        if damage == "a hard link":
            (tmp_path / "backup").hardlink_to(lock)
        else:
            lock.chmod(0o666)
        finished = run_watcher("a/b/c/d", "--once", f"--state-file={tmp_path / 'state'}", env=NOWHERE)
    assert finished.code == 75
    assert "another run is using --state-file" in finished.err


def test_a_signal_ends_the_help_that_nobody_reads() -> None:
    """A signal ends a blocked --help soon, with its exit code and without a traceback."""
    reader, writer = full_pipe()
    command = [sys.executable, "-m", "watcher", "--help"]
    with subprocess.Popen(command, env=NOWHERE, stdout=writer, stderr=subprocess.PIPE, text=True) as process:
        os.close(writer)
        time.sleep(1.0)
        process.terminate()
        assert process.wait(10) == 143
        assert process.stderr is not None
        assert process.stderr.read() == "watcher: interrupted before the watch began\n"
    os.close(reader)
