"""The base class of reports, and the boundary that keeps a failing report from affecting the watch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from watcher.core.events import Event
from watcher.core.exit_codes import Result
from watcher.core.messages.progress import Level
from watcher.core.model import ImportRef
from watcher.core.text import MESSAGE_LIMIT, printable, reason_of


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that belongs to no import, such as a hint; ``name`` is its event name in JSON logs."""

    level: Level
    name: str
    message: str


class Report:
    """One output of a run; by default it ignores everything.

    Any method may raise OSError. That is reported once, and the report still receives what follows, because a
    full disk may have space again.

    Attributes:
        name: What the user calls it, such as ``--dotenv PATH``, for the message when it fails.
    """

    name: str = ""

    def add(self, ref: ImportRef) -> None:
        """Learn of an import whose events may be held back, so that lines name and count it."""

    def discard_earlier_result(self) -> None:
        """Remove the result of an earlier run, so that no result remains if this run is killed."""

    def receive(self, event: Event) -> None:
        """Handle an event of one import."""

    def notify(self, notice: Notice) -> None:
        """Handle a message that belongs to no import."""

    def finish(self, result: Result) -> None:
        """Handle the end of the run. A run that watched nothing, such as a usage error, has no ends."""

    def close(self) -> None:
        """Release what the report holds; called last, whatever happened."""

    def resume(self) -> None:
        """Redraw after SIGCONT: other programs may have written meanwhile; called by a signal handler."""

    def abort(self) -> None:
        """Restore the terminal before a forced exit; called by a signal handler, so it must not block."""


class Reports:
    """Pass everything on to several reports; one that fails affects neither the others nor the watch.

    ``conceal`` removes secrets from messages that belong to no import, because these name files and hosts.
    """

    def __init__(self, reports: Sequence[Report], conceal: Callable[[str], str] = str) -> None:
        self._reports = reports
        self._conceal = conceal
        self._failed: set[str] = set()
        self._has_discarded = False

    def use(self, reports: Sequence[Report]) -> None:
        """Pass what follows on to other reports."""
        self._reports = reports

    def discard_earlier_result(self) -> None:
        self._has_discarded = True
        self._each(lambda report: report.discard_earlier_result())

    def receive(self, event: Event) -> None:
        self._each(lambda report: report.receive(event))

    def notify(self, level: Level, name: str, message: str) -> None:
        notice = Notice(level, name, printable(self._conceal(message), MESSAGE_LIMIT))
        self._each(lambda report: report.notify(notice))

    def finish(self, result: Result) -> None:
        if not self._has_discarded:
            self.discard_earlier_result()
        self._each(lambda report: report.finish(result))

    def close(self) -> None:
        self._each(lambda report: report.close())

    def resume(self) -> None:
        self._each(lambda report: report.resume())

    def abort(self) -> None:
        self._each(lambda report: report.abort())

    def _each(self, call: Callable[[Report], None]) -> None:
        for report in self._reports:
            try:
                call(report)
            except OSError as error:
                self._fail(report, f"could not be written: {reason_of(error)}")
            except Exception as error:  # noqa: BLE001 (a defect in a report must not end the watch)
                self._fail(report, f"failed because of a defect in watcher ({type(error).__name__})")

    def _fail(self, report: Report, problem: str) -> None:
        if report.name not in self._failed:
            self._failed.add(report.name)
            self.notify(Level.ERROR, "report_failed", f"{report.name} {problem}")
