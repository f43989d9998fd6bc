"""Tests of passing events on to several reports, some of which fail."""

from __future__ import annotations

import errno
import os

from watcher.core.exit_codes import Result
from watcher.core.messages.progress import Level
from watcher.core.statuses import Outcome
from watcher.reports.report import Notice, Report, Reports

RESULT = Result(Outcome.COMPLETE, 0, "complete after 9s")


class Recording(Report):
    """A report that records what it receives and may fail.

    Args:
        name: The name of the report.
        error: What ``finish`` raises, if anything.
    """

    def __init__(self, name: str, error: Exception | None = None) -> None:
        self.name = name
        self.error = error
        self.results = 0
        self.notices: list[Notice] = []
        self.closed = False

    def finish(self, result: Result) -> None:
        """Fail, or count the result."""
        assert result is RESULT
        if self.error is not None:
            raise self.error
        self.results += 1

    def notify(self, notice: Notice) -> None:
        """Record the message."""
        self.notices.append(notice)

    def close(self) -> None:
        """Record the call."""
        self.closed = True


def test_a_failure_is_reported_once_and_affects_no_other_report() -> None:
    """A full disk is reported once; the other report and later calls of the failed one go on."""
    full = Recording("--status-file /full", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    sound = Recording("--dotenv /sound")
    reports = Reports([full, sound])
    reports.finish(RESULT)
    reports.finish(RESULT)
    message = "--status-file /full could not be written: no space left on device"
    assert sound.notices == full.notices == [Notice(Level.ERROR, "report_failed", message)]
    full.error = None
    reports.finish(RESULT)
    reports.close()
    assert (full.results, sound.results) == (1, 3)
    assert full.closed
    assert sound.closed


def test_a_defect_in_a_report_does_not_end_the_watch() -> None:
    """An unexpected exception is reported as a defect and goes no further."""
    report = Recording("--dotenv /x", ZeroDivisionError())
    Reports([report]).finish(RESULT)
    (notice,) = report.notices
    assert notice.message == "--dotenv /x failed because of a defect in watcher (ZeroDivisionError)"


def test_a_report_that_cannot_report_its_own_failure_does_not_recurse() -> None:
    """Standard error may be the report that fails."""

    class Broken(Report):
        name = "progress on standard error"

        def notify(self, notice: Notice) -> None:
            raise OSError(errno.EIO, notice.message)

    sound = Recording("--dotenv /sound")
    Reports([Broken(), sound]).notify(Level.INFO, "hint", "a hint")
    assert [notice.name for notice in sound.notices] == ["report_failed", "hint"]
