"""The JSON result of a run, so far and at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from watcher.core.events import Ended, Event, Progress
from watcher.core.exit_codes import ExitCodes, Result
from watcher.core.model import ImportRef
from watcher.reports import documents


class ResultBuilder:
    """Keep the latest progress of every import, in the order in which they were named.

    Attributes:
        progress: The progress of each wait, in the order of the imports.
        base_uri: Where the imports are polled, once that is known.
    """

    def __init__(self, codes: ExitCodes, *, any_suffices: bool = False) -> None:
        self.codes = codes
        self.base_uri: str | None = None
        self._any_suffices = any_suffices
        self.progress: dict[ImportRef, Progress] = {}
        self._ended: dict[ImportRef, Ended] = {}

    def receive(self, event: Event) -> None:
        self.progress[event.ref] = event.progress
        if isinstance(event, Ended):
            self._ended[event.ref] = event

    def update(self, progress: Mapping[ImportRef, Progress]) -> None:
        self.progress |= progress

    @property
    def ends(self) -> tuple[Ended, ...]:
        """The imports that have ended, in the order of the imports."""
        return tuple(self._ended[ref] for ref in self.progress if ref in self._ended)

    def elapsed(self, result: Result | None) -> float:
        """Return the seconds of the earliest wait so far; ``result`` is None until the run ends."""
        before = 0.0 if result is None else result.elapsed
        return max((progress.elapsed for progress in self.progress.values()), default=before)

    def result(self) -> Result:
        """Decide the result; every import must have ended."""
        return self.codes.result(self.ends, any_suffices=self._any_suffices)

    def document(self, result: Result) -> documents.ResultDocument:
        """Return the JSON document of a run that has ended."""
        return self._document(result, list(self._imports()))

    def encode(self, result: Result | None = None, at: float | None = None) -> Iterator[bytes]:
        """Yield the JSON object in pieces, so that the encoding of a large one can be interrupted.

        ``result`` is None until the run ends. With ``at`` in Unix seconds it is an event of ``jsonl``.
        """
        whole = self._document(result, [])
        if at is not None:
            fields = msgspec.structs.asdict(whole)
            whole = documents.ResultEventDocument(at=documents.timestamp(at), **fields)
        head, mark, tail = documents.to_json(whole).partition(b'"imports":[')
        yield head + mark
        for number, document in enumerate(self._imports()):
            yield (b"," if number else b"") + documents.to_json(document)
        yield tail

    def _document(
        self, result: Result | None, imports: list[documents.ImportDocument]
    ) -> documents.ResultDocument:
        return documents.ResultDocument(
            outcome=None if result is None else result.outcome,
            exit_code=None if result is None else result.code,
            elapsed_s=documents.seconds(self.elapsed(result)),
            message=None if result is None else result.message,
            base_uri=self.base_uri,
            imports=imports,
        )

    def _imports(self) -> Iterator[documents.ImportDocument]:
        for ref, progress in list(self.progress.items()):
            yield documents.import_document(ref, progress, self._ended.get(ref), self.codes)
