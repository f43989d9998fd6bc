"""The message of at most 4096 bytes."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.ledgers import builder_of, life
from watcher.core.exit_codes import ExitCodes
from watcher.reports.termination_log import LONGEST_MESSAGE, TerminationLog, last_words

if TYPE_CHECKING:
    from pathlib import Path

    from watcher.reports.results import ResultBuilder


def words_of(builder: ResultBuilder) -> str:
    """The message of a watch that has ended."""
    return last_words(builder.finish(), builder.ends, ExitCodes()).decode()


def test_one_import_tells_its_end() -> None:
    """The message names the import and says all that its end says."""
    builder = builder_of(life("preparing", "stopped"))
    (end,) = builder.ends
    assert words_of(builder) == f"default/production/big-spenders/import-0: {end.message}\n"


def test_failures_come_first() -> None:
    """Of several imports those that failed are told first, under a line about all of them."""
    lines = words_of(
        builder_of(life("complete"), life("stopped", number=1), life("complete", number=2))
    ).splitlines()
    assert lines[0] == "3 imports: exit code 3 (stopped)"
    assert [line.split(":")[0].rsplit("/", 1)[1] for line in lines[1:]] == [
        "import-1",
        "import-0",
        "import-2",
    ]


@pytest.mark.parametrize("shift", range(4))
def test_a_long_message_is_cut_between_characters(shift: int) -> None:
    """A character of several bytes at the limit is left out as a whole, and what stays is nearly all."""
    builder = builder_of(life("stopped"))
    (end,) = builder.ends
    long = replace(end, message="x" * shift + "\N{GRINNING FACE}" * 2000)
    message = last_words(builder.finish(), (long,), ExitCodes())
    assert LONGEST_MESSAGE - 4 < len(message) <= LONGEST_MESSAGE
    assert message.decode().endswith("\N{GRINNING FACE}\N{HORIZONTAL ELLIPSIS}")


def test_a_pipe_that_nobody_reads_is_an_error(tmp_path: Path) -> None:
    """The end is not held up by a file that can never be opened."""
    path = tmp_path / "log"
    os.mkfifo(path)
    builder = builder_of(life("stopped"))
    with pytest.raises(OSError, match="No such device"):
        TerminationLog(path, builder, ExitCodes()).finish(builder.finish())
