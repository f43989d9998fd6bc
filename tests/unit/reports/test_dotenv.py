"""Tests of the result as environment variables."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from tests.support.results import NOTHING_WATCHED, life
from watcher.core.exit_codes import Result
from watcher.core.statuses import Outcome
from watcher.reports.dotenv import Dotenv

if TYPE_CHECKING:
    from pathlib import Path


def test_no_status_is_code_for_a_shell(tmp_path: Path) -> None:
    """A file that a job sources contains only harmless characters."""
    path = tmp_path / "env"
    Dotenv(path).finish(Result(Outcome.TIMEOUT, 124, "timed out", "$(reboot) `x`\nA=b"))
    assert path.read_text("utf-8") == (
        "WATCHER_OUTCOME=timeout\nWATCHER_LAST_STATUS=__reboot___x__A_b\nWATCHER_RESULT_CODE=124\n"
    )


def test_a_run_that_watched_nothing_has_no_status(tmp_path: Path) -> None:
    """Later jobs read the outcome of a usage error, too."""
    path = tmp_path / "env"
    Dotenv(path).finish(NOTHING_WATCHED)
    assert path.read_text("utf-8") == ("WATCHER_OUTCOME=usage\nWATCHER_LAST_STATUS=\nWATCHER_RESULT_CODE=2\n")


def test_only_the_user_can_write_the_file_whatever_the_umask(tmp_path: Path) -> None:
    """Other users can read the variables, but cannot change what a job sources."""
    path = tmp_path / "env"
    before = os.umask(0)
    try:
        Dotenv(path).finish(NOTHING_WATCHED)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_killed_run_leaves_no_result_of_an_earlier_one(tmp_path: Path) -> None:
    """A job that reads the file after a run was killed finds no success."""
    path = tmp_path / "env"
    path.write_text("WATCHER_RESULT_CODE=0\n")
    report = Dotenv(path)
    for event in life("in_progress"):
        report.receive(event)
    assert path.read_text("utf-8") == ""


def test_a_pipe_without_a_reader_is_not_opened_before_the_end(tmp_path: Path) -> None:
    """The reader of a pipe may start later."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    for event in life("in_progress"):
        Dotenv(path).receive(event)
