"""Reports that fail, and those beside them."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from watcher.core.exit_codes import Result
from watcher.core.statuses import Outcome
from watcher.reports.report import Reports

if TYPE_CHECKING:
    from watcher.core.events import Event


class Failing:
    """A report whose disk is full for a while.

    Args:
        error: What it raises, as long as there is one.
    """

    name = "--status-file /full"

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.concluded = 0

    def receive(self, event: Event) -> None:
        """Hears nothing in these tests."""

    def finish(self, result: Result) -> None:  # noqa: ARG002 (the protocol's signature)
        """Fails, or counts."""
        if self.error is not None:
            raise self.error
        self.concluded += 1


END = Result(Outcome.COMPLETE, 0)


def test_a_failure_is_told_once_and_disturbs_no_other() -> None:
    """A full disk is said once, the other report hears all, and the failing one hears on."""
    told: list[str] = []
    full = Failing(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    sound = Failing(None)
    reports = Reports([full, sound], told.append)
    reports.finish(END)
    reports.finish(END)
    assert told == ["--status-file /full could not be written: No space left on device"]
    full.error = None
    reports.finish(END)
    assert (full.concluded, sound.concluded) == (1, 3)


def test_a_defect_in_a_report_costs_nobody_the_watch() -> None:
    """What no report should raise is told as the defect that it is, and goes no further."""
    told: list[str] = []
    Reports([Failing(ZeroDivisionError())], told.append).finish(END)
    assert told == [
        "--status-file /full failed by a defect in watcher (ZeroDivisionError); the watch goes on"
    ]
