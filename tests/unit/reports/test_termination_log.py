"""Tests of the termination message of at most 4096 bytes."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.results import NOTHING_WATCHED, builder_of, life
from watcher.core.exit_codes import ExitCodes
from watcher.reports.termination_log import MAX_BYTES, TerminationLog, termination_message

if TYPE_CHECKING:
    from pathlib import Path

    from watcher.core.exit_codes import Result


def message_of(result: Result) -> str:
    """Return the message of a result."""
    return termination_message(result, ExitCodes()).decode()


def test_one_import_has_its_message() -> None:
    """The message names the import and repeats its final message."""
    result = builder_of(life("preparing", "stopped")).result()
    assert message_of(result) == f"{result.message} (default/production/big-spenders/import-0)\n"


def test_failures_come_first() -> None:
    """Of several imports those that failed come first, below the message of the result."""
    result = builder_of(life("complete"), life("stopped", number=1), life("complete", number=2)).result()
    lines = message_of(result).splitlines()
    assert lines[0] == result.message
    assert lines[0].endswith("exit code 3 (stopped)")
    names = [line.rstrip(")").rsplit("/", 1)[1] for line in lines[1:]]
    assert names == ["import-1", "import-0", "import-2"]


def test_a_run_that_watched_nothing_has_its_reason(tmp_path: Path) -> None:
    """A Pod that fails because of a usage error shows the reason."""
    path = tmp_path / "log"
    TerminationLog(path, ExitCodes()).finish(NOTHING_WATCHED)
    assert path.read_text("utf-8") == f"watcher: {NOTHING_WATCHED.message}\n"


@pytest.mark.parametrize("shift", range(4))
def test_a_long_message_is_cut_between_characters(shift: int) -> None:
    """A character of several bytes at the limit is left out completely."""
    result = builder_of(life("stopped")).result()
    (end,) = result.ends
    long = replace(end, message="x" * shift + "\N{GRINNING FACE}" * 2000)
    message = termination_message(replace(result, ends=(long,)), ExitCodes())
    assert MAX_BYTES - 4 < len(message) <= MAX_BYTES
    assert message.decode().endswith("\N{GRINNING FACE}\N{HORIZONTAL ELLIPSIS}")


def test_a_pipe_without_a_reader_is_an_error(tmp_path: Path) -> None:
    """A pipe that no program opens does not delay the exit."""
    path = tmp_path / "log"
    os.mkfifo(path)
    with pytest.raises(OSError, match="No such device"):
        TerminationLog(path, ExitCodes()).finish(builder_of(life("stopped")).result())
