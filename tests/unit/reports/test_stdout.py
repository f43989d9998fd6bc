"""Tests of the result on standard output."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.results import NOTHING_WATCHED, builder_of, life
from watcher.reports.stdout import JsonLinesOutput, JsonOutput, TextOutput
from watcher.reports.stream import Stream

if TYPE_CHECKING:
    from pathlib import Path

    from watcher.reports.stdout import StandardOutput


def test_the_result_is_not_older_than_another_line(tmp_path: Path) -> None:
    """The result has the time of the last outcome, whichever import that is of."""
    slow, quick = life("preparing", "ready", "complete", number=0), life("complete", number=1)
    assert slow[-1].at.unix > quick[-1].at.unix
    builder = builder_of(slow, quick)
    path = tmp_path / "out"
    with path.open("w") as file:
        output = JsonLinesOutput(Stream(file), builder)
        for event in (*quick, *slow):
            output.receive(event)
        output.finish(builder.result())
    times = [json.loads(line)["at"] for line in path.read_text("utf-8").splitlines()]
    assert times[-1] == max(times)


@pytest.mark.parametrize("kind", [JsonOutput, JsonLinesOutput])
def test_a_run_that_watched_nothing_has_an_empty_result(tmp_path: Path, kind: type[StandardOutput]) -> None:
    """A script reads the reason of a usage error from the same object as any other result."""
    path = tmp_path / "out"
    with path.open("w") as file:
        kind(Stream(file), builder_of()).finish(NOTHING_WATCHED)
    result = json.loads(path.read_text("utf-8"))
    if kind is JsonLinesOutput:
        assert result.pop("event") == "result"
        assert result.pop("at").endswith("Z")
    assert result == {
        "schema_version": 1,
        "outcome": "usage",
        "exit_code": 2,
        "elapsed_s": 0.0,
        "message": NOTHING_WATCHED.message,
        "base_uri": None,
        "imports": [],
    }


def test_a_run_that_watched_nothing_has_no_text(tmp_path: Path) -> None:
    """The text result has a line for each import; the reason of a usage error is on standard error."""
    path = tmp_path / "out"
    with path.open("w") as file:
        stream, builder = Stream(file), builder_of()
        TextOutput(stream, builder).finish(NOTHING_WATCHED)
        TextOutput(stream, builder, lambda _: True).finish(NOTHING_WATCHED)
    assert path.read_bytes() == b""
