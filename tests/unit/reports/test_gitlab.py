"""Sections in a job of GitLab: progress can be hidden, how it ended cannot."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.driving import SERVER, Driven, seen
from tests.unit.reports.github.test_outputs import end, stopped
from watcher.core.events import Retrying
from watcher.core.exit_codes import ExitCodes, Result
from watcher.core.messages.progress import Level
from watcher.core.statuses import Outcome
from watcher.reports.gitlab import SectionLog
from watcher.reports.plain import PlainLog
from watcher.reports.stream import Stream

if TYPE_CHECKING:
    from pathlib import Path

MARK = re.compile("\x1b\\[0Ksection_(start|end):(\\d+):([A-Za-z0-9_.-]+)\r\x1b\\[0K(.*)")


class Job:
    """Standard error of a job.

    Args:
        path: Where it is kept.
        several: Whether several imports are watched.
    """

    def __init__(self, path: Path, *, several: bool) -> None:
        self._path = path
        self._file = path.open("w")
        stream = Stream(self._file)
        plain = PlainLog(stream, Level.INFO, several=several, quiet=False)
        self.log = SectionLog(plain, stream, several=several, clock=lambda: 1_795_000_000.9)

    def visible(self) -> list[str]:
        """The lines that are seen with all sections collapsed; each section must be a whole."""
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


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where standard error goes."""
    return tmp_path / "stderr"


def test_the_closing_words_are_seen(path: Path) -> None:
    """Progress is in the section, the end is not."""
    job = Job(path, several=False)
    for event in stopped().events:
        job.log.receive(event)
    job.log.finish(Result(Outcome.STOPPED, 3), ())
    job.log.close()
    (line,) = job.visible()
    assert "stopped after" in line
    assert path.read_text("utf-8").count("in_progress -> stopped") == 1


def test_a_success_is_seen(path: Path) -> None:
    """One import's success is how the watch ended."""
    job = Job(path, several=False)
    driven = Driven()
    driven.receive(seen("preparing"))
    driven.receive(seen("complete"))
    for event in driven.events:
        job.log.receive(event)
    assert [line[9:17] for line in job.visible()] == ["complete"]


def test_of_several_the_failures_and_the_sum_are_seen(path: Path) -> None:
    """A failure ends the section, what follows gets one of its own."""
    job = Job(path, several=True)
    ends = (end(Outcome.COMPLETE, 1), end(Outcome.STOPPED, 2), end(Outcome.COMPLETE, 3))
    for event in ends:
        job.log.receive(event)
    job.log.finish(ExitCodes().finish(ends), ends)
    job.log.close()
    failure, total = job.visible()
    assert "/2: stopped it is" in failure
    assert "3 imports: 2 complete, 1 stopped" in total
    assert len(set(job.names)) == 2


def test_what_is_not_told_begins_no_section(path: Path) -> None:
    """A second retry in a row is no line, and so needs no section around it."""
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


def test_a_report_that_fails_is_seen(path: Path) -> None:
    """What is said as an error stands outside, a hint within."""
    job = Job(path, several=False)
    job.log.receive(stopped().events[0])
    job.log.say(Level.WARNING, "hint", "a hint")
    job.log.say(Level.ERROR, "report_failed", "a failure")
    job.log.close()
    assert [line[9:] for line in job.visible()] == ["error: a failure"]


def test_the_section_is_ended_whatever_happened(path: Path) -> None:
    """A defect in the middle leaves no section open."""
    job = Job(path, several=False)
    job.log.receive(stopped().events[0])
    job.log.close()
    assert job.visible() == []


def test_names_are_never_used_twice(tmp_path: Path) -> None:
    """GitLab tells sections of one job apart by their names, also of two runs."""
    names = set()
    for number in range(2):
        job = Job(tmp_path / str(number), several=False)
        job.log.receive(stopped().events[0])
        job.log.close()
        job.visible()
        names |= set(job.names)
    assert len(names) == 2
