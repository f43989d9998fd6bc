"""Tests of standard error, for people and for machines."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.driving import EPOCH
from tests.support.logs import log_of
from tests.support.results import NOTHING_WATCHED, builder_of, life
from watcher.core.exit_codes import ExitCodes
from watcher.core.messages.progress import Level
from watcher.core.statuses import Outcome
from watcher.reports.json_log import JsonLog
from watcher.reports.lines import LineWriter
from watcher.reports.stream import Stream

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file in place of standard error."""
    return tmp_path / "stderr"


def test_a_usage_error_is_one_plain_line(path: Path) -> None:
    """The reason is shown at every level, like the error of any command."""
    with path.open("w") as file:
        log = log_of(LineWriter(Stream(file), Level.ERROR))
        log.finish(NOTHING_WATCHED)
        log.close()
    assert path.read_text("utf-8") == f"watcher: {NOTHING_WATCHED.message}\n"


@pytest.mark.parametrize(("code", "level"), [(2, "error"), (0, "info")])
def test_a_usage_error_is_one_json_line(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int, level: str
) -> None:
    """The reason is an object, whatever exit code the user gave to usage errors."""
    monkeypatch.setattr(time, "time", lambda: EPOCH)
    with path.open("w") as file:
        log = JsonLog(Stream(file), Level.ERROR, ExitCodes())
        log.finish(replace(NOTHING_WATCHED, code=code))
        log.close()
    assert json.loads(path.read_text("utf-8")) == {
        "event": "result",
        "level": level,
        "at": "2026-01-05T08:00:00.000Z",
        "outcome": "usage",
        "exit_code": code,
        "message": NOTHING_WATCHED.message,
    }


def test_the_json_result_has_the_final_message(path: Path) -> None:
    """The last line explains the result, also of several imports."""
    builder = builder_of(life("stopped"), life("complete", number=1))
    with path.open("w") as file:
        JsonLog(Stream(file), Level.INFO, ExitCodes()).finish(builder.result())
    line = json.loads(path.read_text("utf-8"))
    assert line["message"] == builder.result().message
    assert line["message"].startswith("1 of 2 imports complete; exit code 3 (stopped)")


@pytest.mark.parametrize(("outcome", "number"), [(Outcome.COMPLETE, 0), (Outcome.REACHED, 1)])
def test_an_error_code_names_the_imports_with_that_outcome(path: Path, outcome: Outcome, number: int) -> None:
    """A remapped exit code of one kind of success is not said of the other."""
    lives = [life("complete"), life("ready", number=1, until="ready")]
    codes = ExitCodes({outcome: 9})
    builder = builder_of(*lives)
    with path.open("w") as file:
        log = log_of(LineWriter(Stream(file), Level.ERROR), several=True)
        for event in (event for events in lives for event in events):
            log.receive(event)
        log.finish(codes.result(builder.ends))
    target = builder.ends[number].ref
    assert path.read_text("utf-8").endswith(f"{outcome}: exit code 9, set by --exit-code ({target})\n")


@pytest.mark.parametrize("level", [Level.INFO, Level.ERROR])
def test_a_single_import_is_named_once(path: Path, level: Level) -> None:
    """The line about its failure names it only if no line has done so before."""
    events = life("stopped")
    builder = builder_of(events)
    with path.open("w") as file:
        log = log_of(LineWriter(Stream(file), level))
        for event in events:
            log.receive(event)
        log.finish(builder.result())
    text = path.read_text("utf-8")
    assert text.count(str(builder.ends[0].ref)) == 1
    assert "error: stopped in LaunchDarkly" in text


def test_a_success_with_an_error_code_is_explained(path: Path) -> None:
    """A remapped exit code needs an explanation."""
    events = life("complete")
    codes = ExitCodes({Outcome.COMPLETE: 9})
    builder = builder_of(events)
    with path.open("w") as file:
        log = log_of(LineWriter(Stream(file), Level.ERROR))
        for event in events:
            log.receive(event)
        log.finish(codes.result(builder.ends))
    target = builder.ends[0].ref
    assert path.read_text("utf-8").endswith(f"complete: exit code 9, set by --exit-code ({target})\n")
