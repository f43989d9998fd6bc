"""Tests of sections in a GitLab job: progress can be collapsed, results cannot."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.driving import SERVER, Driven, seen
from tests.support.logs import log_of
from tests.support.results import NOTHING_WATCHED
from tests.unit.reports.github.test_outputs import end, stopped
from watcher.core.events import Retrying
from watcher.core.exit_codes import ExitCodes
from watcher.core.messages.progress import Level
from watcher.core.statuses import Outcome
from watcher.reports.gitlab import SectionWriter
from watcher.reports.report import Notice
from watcher.reports.stream import Stream

if TYPE_CHECKING:
    from pathlib import Path

MARK = re.compile("\x1b\\[0Ksection_(start|end):(\\d+):([A-Za-z0-9_.-]+)\r\x1b\\[0K(.*)")


class Job:
    """Standard error of a job.

    Args:
        path: The file in its place.
        several: Whether there are several imports.
    """

    def __init__(self, path: Path, *, several: bool) -> None:
        self._path = path
        self._file = path.open("w")
        stream = Stream(self._file)
        self.log = log_of(SectionWriter(stream, Level.INFO), several=several)

    def visible(self) -> list[str]:
        """Return the lines outside the sections, each of which must be complete."""
        self._file.close()
        seen_lines = []
        open_section: str | None = None
        self.names: list[str] = []
        for line in self._path.read_bytes().decode().split("\n")[:-1]:
            mark = MARK.fullmatch(line)
            if mark is None:
                if open_section is None:
                    seen_lines.append(line)
                continue
            assert mark[2] == "1795000000"
            if mark[1] == "start":
                assert open_section is None
                assert mark[4]
                open_section = mark[3]
                self.names.append(open_section)
            else:
                assert mark[3] == open_section
                open_section = None
        assert open_section is None
        return seen_lines


@pytest.fixture(autouse=True)
def fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock."""
    monkeypatch.setattr(time, "time", lambda: 1_795_000_000.9)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file in place of standard error."""
    return tmp_path / "stderr"


def test_a_failure_is_visible(path: Path) -> None:
    """Progress is in the section, the outcome is not."""
    job = Job(path, several=False)
    driven = stopped()
    for event in driven.events:
        job.log.receive(event)
    job.log.finish(ExitCodes().result([driven.ended]))
    job.log.close()
    (line,) = job.visible()
    assert "stopped in LaunchDarkly after" in line
    assert path.read_text("utf-8").count("in_progress -> stopped") == 1


def test_a_success_is_visible(path: Path) -> None:
    """The success of a single import is the result."""
    job = Job(path, several=False)
    driven = Driven()
    driven.receive(seen("preparing"))
    driven.receive(seen("complete"))
    for event in driven.events:
        job.log.receive(event)
    assert [line[9:] for line in job.visible()] == ["preparing -> complete after 1s"]


def test_failures_of_several_imports_and_their_summary_are_visible(path: Path) -> None:
    """A failure ends the section, and later progress gets a new one."""
    job = Job(path, several=True)
    ends = (end(Outcome.COMPLETE, 1), end(Outcome.STOPPED, 2), end(Outcome.COMPLETE, 3))
    for event in (stopped().events[0], *ends):
        job.log.receive(event)
    job.log.finish(ExitCodes().result(ends))
    job.log.close()
    failure, total = job.visible()
    assert failure.endswith("stopped it is (2)")
    assert "2 of 3 imports complete; exit code 3 (stopped)" in total
    assert len(set(job.names)) == 2


def test_an_event_without_a_line_begins_no_section(path: Path) -> None:
    """A second retry in a row is not written, so it needs no section."""
    job = Job(path, several=True)
    driven = Driven()
    driven.receive(SERVER)
    driven.receive(SERVER)
    job.log.receive(driven.events[0])
    job.log.receive(end(Outcome.STOPPED))
    job.log.receive(driven.told(Retrying)[1])
    job.log.close()
    job.visible()
    assert len(job.names) == 1


def test_a_report_that_fails_is_visible(path: Path) -> None:
    """An error is outside the section, a hint inside."""
    job = Job(path, several=False)
    job.log.receive(stopped().events[0])
    job.log.notify(Notice(Level.WARNING, "hint", "a hint"))
    job.log.notify(Notice(Level.ERROR, "report_failed", "a failure"))
    job.log.close()
    assert [line[9:] for line in job.visible()] == ["error: a failure"]


def test_a_notice_before_the_first_import_begins_no_section(path: Path) -> None:
    """Another log may write what follows, and would not end the section."""
    job = Job(path, several=False)
    job.log.notify(Notice(Level.INFO, "serving", "serving at http://127.0.0.1:1"))
    assert [line[9:] for line in job.visible()] == ["serving at http://127.0.0.1:1"]


def test_a_run_that_watched_nothing_has_no_section(path: Path) -> None:
    """A usage error is one visible line."""
    job = Job(path, several=False)
    job.log.finish(NOTHING_WATCHED)
    job.log.close()
    assert job.visible() == [f"watcher: {NOTHING_WATCHED.message}"]
    assert job.names == []


def test_closing_ends_the_section(path: Path) -> None:
    """A defect leaves no section open."""
    job = Job(path, several=False)
    job.log.receive(stopped().events[0])
    job.log.close()
    assert job.visible() == []


def test_names_are_never_used_twice(tmp_path: Path) -> None:
    """GitLab distinguishes the sections of a job by their names, also those of two runs."""
    names = set()
    for number in range(2):
        job = Job(tmp_path / str(number), several=False)
        job.log.receive(stopped().events[0])
        job.log.close()
        job.visible()
        names |= set(job.names)
    assert len(names) == 2
