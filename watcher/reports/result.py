"""The result: what is known of every import, so far and at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watcher.core.events import Ended
from watcher.core.text import duration
from watcher.reports.documents import ResultDocument, import_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watcher.core.events import Event, Progress
    from watcher.core.model import ImportRef
    from watcher.exit_codes import Conclusion, ExitCodes


class Ledger:
    """Keeps the latest news of every import, in the order in which they were named.

    Args:
        codes: The exit codes in force.
        any_suffices: Whether one import that gives 0 is enough.
    """

    def __init__(self, codes: ExitCodes, *, any_suffices: bool = False) -> None:
        self._codes = codes
        self._any_suffices = any_suffices
        self._progress: dict[ImportRef, Progress] = {}
        self._ended: dict[ImportRef, Ended] = {}

    def receive(self, event: Event) -> None:
        """Takes in an event.

        Args:
            event: Any event.
        """
        self._progress[event.ref] = event.progress
        if isinstance(event, Ended):
            self._ended[event.ref] = event

    def update(self, progress: Mapping[ImportRef, Progress]) -> None:
        """Takes in how far waits have come since their last event.

        Args:
            progress: The waits that still go on.
        """
        self._progress |= progress

    def copy(self) -> Ledger:
        """Makes a ledger that what happens next does not change, for another thread to read.

        Returns:
            The copy.
        """
        other = Ledger(self._codes, any_suffices=self._any_suffices)
        other._progress = self._progress.copy()
        other._ended = self._ended.copy()
        return other

    @property
    def progress(self) -> Mapping[ImportRef, Progress]:
        """How far each wait has come, in the order of the imports."""
        return self._progress

    @property
    def ends(self) -> tuple[Ended, ...]:
        """The ends that have come, in the order of the imports."""
        return tuple(self._ended[ref] for ref in self._progress if ref in self._ended)

    def conclude(self) -> Conclusion:
        """Decides how the whole watch ended; all its imports have.

        Returns:
            The conclusion.
        """
        return self._codes.conclude(self._ended.values(), any_suffices=self._any_suffices)

    def document(self) -> ResultDocument:
        """Tells all that is known; until every import has ended, outcome and code are null.

        Returns:
            The result.
        """
        over = len(self._ended) == len(self._progress)
        conclusion = self.conclude() if over and self._ended else None
        imports = [
            import_document(ref, progress, self._ended.get(ref), self._codes)
            for ref, progress in self._progress.items()
        ]
        return ResultDocument(
            outcome=None if conclusion is None else conclusion.outcome,
            exit_code=None if conclusion is None else conclusion.code,
            elapsed_s=max((document.elapsed_s for document in imports), default=0.0),
            imports=imports,
        )


def text_line(ended: Ended) -> str:
    """Writes one import's result for people.

    Args:
        ended: Its end.

    Returns:
        Outcome, target, time and polls.
    """
    progress = ended.progress
    polls = f"{progress.polls} poll{'' if progress.polls == 1 else 's'}"
    return f"{ended.outcome} {ended.ref} {duration(progress.elapsed)} {polls}"
