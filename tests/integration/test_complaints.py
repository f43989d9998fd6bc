"""Where it is told that nothing was watched: standard error, and the files that others look at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.integration.conftest import environment, run_watcher
from watcher.state.disk import open_state_file

if TYPE_CHECKING:
    from pathlib import Path

NOWHERE = environment("http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["a/b"], 2), (["a/b/c/d", "--timeout", "soon"], 2), (["a/b/c/d", "--", "no-such-command"], 127)],
)
def test_files_of_an_earlier_run_are_replaced(tmp_path: Path, arguments: list[str], code: int) -> None:
    """A job or a container that looks at the files for the end does not find the one before."""
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


def test_files_that_cannot_be_written_change_nothing(tmp_path: Path) -> None:
    """What went wrong first is what is told."""
    missing = tmp_path / "missing" / "file"
    finished = run_watcher("a/b", f"--dotenv={missing}", f"--termination-log={missing}", env=NOWHERE)
    assert finished.code == 2
    assert finished.err.count("\n") == 1


@pytest.mark.parametrize("option", ["--status-file", "--dotenv", "--termination-log"])
@pytest.mark.parametrize("read", ["--state-file", "--token-file", "--ca-file"])
def test_a_file_that_is_read_is_never_written(tmp_path: Path, option: str, read: str) -> None:
    """One file for two purposes is refused, and keeps what it holds: a token, or the memory of waits."""
    precious = tmp_path / "precious"
    precious.write_text("of an earlier run")
    finished = run_watcher("a/b", f"{read}={precious}", f"{option}={precious}", env=NOWHERE)
    assert finished.code == 2
    assert precious.read_text() == "of an earlier run"


@pytest.mark.parametrize("output", ["json", "jsonl"])
def test_a_busy_state_file_leaves_its_run_s_files_alone(tmp_path: Path, output: str) -> None:
    """A run that gives way prints its result where asked to, and leaves the files to the run at work."""
    status = tmp_path / "status"
    status.write_text("of the other run")
    file = open_state_file(tmp_path / "state")
    try:
        arguments = ["a/b/c/d", "--once", f"--state-file={tmp_path / 'state'}", f"--status-file={status}"]
        finished = run_watcher(*arguments, f"--output={output}", env=NOWHERE)
    finally:
        file.close()
    assert (finished.code, finished.result["outcome"]) == (75, "unavailable")
    assert finished.result.get("event") == ("result" if output == "jsonl" else None)
    assert status.read_text() == "of the other run"
