"""Where it is told that nothing was watched: standard error, and the files that others look at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.integration.conftest import environment, run_watcher

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
