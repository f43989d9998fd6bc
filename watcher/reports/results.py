"""The result: what is known of every import, so far and at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from watcher.core.events import Ended
from watcher.core.text import duration
from watcher.reports.documents import ResultDocument, import_document
from watcher.reports.event_documents import result_event
from watcher.reports.values import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watcher.core.events import Event, Progress
    from watcher.core.exit_codes import Conclusion, ExitCodes
    from watcher.core.model import ImportRef, Instant
    from watcher.reports.documents import ImportDocument


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
        return self._result(list(self._imports()))

    def encode(self, at: Instant | None = None) -> Iterator[bytes]:
        """Writes the result as JSON in pieces, so that a large fleet's is never in memory as a whole.

        Args:
            at: The time, where the result is to be the last event.

        Yields:
            The pieces, of which each is ASCII or UTF-8 by itself.
        """
        empty = self._result([])
        whole = empty if at is None else result_event(empty, at)
        head, mark, tail = msgspec.json.encode(whole).partition(b'"imports":[')
        yield head + mark
        for number, document in enumerate(self._imports()):
            yield (b"," if number else b"") + msgspec.json.encode(document)
        yield tail

    def _result(self, imports: list[ImportDocument]) -> ResultDocument:
        over = len(self._ended) == len(self._progress)
        conclusion = self.conclude() if over and self._ended else None
        return ResultDocument(
            outcome=None if conclusion is None else conclusion.outcome,
            exit_code=None if conclusion is None else conclusion.code,
            elapsed_s=seconds(max((progress.elapsed for progress in self._progress.values()), default=0.0)),
            imports=imports,
        )

    def _imports(self) -> Iterator[ImportDocument]:
        for ref, progress in self._progress.items():
            yield import_document(ref, progress, self._ended.get(ref), self._codes)


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
