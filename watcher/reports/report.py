"""What every report is, and the one place that keeps their failures away from the watch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from watcher.core.events import Event
    from watcher.core.exit_codes import Conclusion


class Report(Protocol):
    """One place that events go.

    What it raises is told once. It hears all that follows nevertheless, for a disk may have room again.
    """

    @property
    def name(self) -> str:
        """What it is for the user, such as ``--dotenv PATH``, for the message when it fails."""
        ...

    def receive(self, event: Event) -> None:
        """Takes in an event.

        Args:
            event: Any event.
        """
        ...

    def conclude(self, conclusion: Conclusion) -> None:
        """Takes in the end of the whole watch.

        Args:
            conclusion: How it ended.
        """
        ...


class Reports:
    """Hands everything on to several reports, of which none can disturb the others or the watch.

    Args:
        reports: The reports, in order.
        complain: Tells a person what failed.
    """

    def __init__(self, reports: Iterable[Report], complain: Callable[[str], None]) -> None:
        self._reports = list(reports)
        self._complain = complain
        self._complained: set[str] = set()

    def receive(self, event: Event) -> None:
        """Hands an event on."""
        self._each(lambda report: report.receive(event))

    def conclude(self, conclusion: Conclusion) -> None:
        """Hands the end on."""
        self._each(lambda report: report.conclude(conclusion))

    def _each(self, tell: Callable[[Report], None]) -> None:
        for report in self._reports:
            try:
                tell(report)
            except OSError as error:
                reason = error.strerror or "the reason is not known"
                self._say_once(report, f"{report.name} could not be written: {reason}")
            except Exception as error:  # noqa: BLE001 (a defect in a report must not cost anybody the watch)
                defect = f"a defect in watcher ({type(error).__name__})"
                self._say_once(report, f"{report.name} failed by {defect}; the watch goes on")

    def _say_once(self, report: Report, message: str) -> None:
        if report.name not in self._complained:
            self._complained.add(report.name)
            self._complain(message)
