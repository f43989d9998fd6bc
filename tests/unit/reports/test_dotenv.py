"""Tests of the result as environment variables."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from tests.support.results import NOTHING_WATCHED
from watcher.core.exit_codes import Result
from watcher.core.statuses import Outcome
from watcher.reports.dotenv import Dotenv, variables

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


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("complete", "complete"),
        ("paused.2-b", "paused.2-b"),
        ("in progress", "_in_progress"),
        ("pending:approval", "_pending_approval"),
        ("-e", "_e"),
        ("a\\n::error::x", "a_n__error__x"),
    ],
)
def test_a_status_is_one_word(status: str, word: str) -> None:
    """No ``echo`` interprets it, no program takes it for an option, and it does not look like a known one."""
    result = Result(Outcome.TIMEOUT, 124, "timed out", status)
    assert variables(result)["WATCHER_LAST_STATUS"] == word


def test_a_pipe_without_a_reader_is_not_opened_before_the_end(tmp_path: Path) -> None:
    """The reader of a pipe may start later."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    Dotenv(path).discard_earlier_result()
