"""Standard output: the result, as text, as one JSON object, or as a JSON line for each event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from watcher.reports.event_documents import event_document
from watcher.reports.results import text_line

if TYPE_CHECKING:
    from watcher.core.events import Event
    from watcher.core.exit_codes import Conclusion, ExitCodes
    from watcher.reports.results import Ledger
    from watcher.reports.stream import Stream


class _Output:
    """Writes the result at the end.

    Args:
        stream: Where to.
        ledger: What is known.
    """

    name = "the result on standard output"

    def __init__(self, stream: Stream, ledger: Ledger) -> None:
        self._stream = stream
        self._ledger = ledger

    def receive(self, event: Event) -> None:
        """Waits for the end."""

    def conclude(self, conclusion: Conclusion) -> None:  # noqa: ARG002 (the ledger knows it)
        """Writes the result, and waits for its reader.

        Raises:
            OSError: It could not be written.
        """
        self._write()
        self._stream.drain()
        self._stream.check()

    def _write(self) -> None:
        raise NotImplementedError


class TextOutput(_Output):
    """One line an import, at the end."""

    def _write(self) -> None:
        for end in self._ledger.ends:
            self._stream.write_line(text_line(end))


class JsonOutput(_Output):
    """One object at the end."""

    def _write(self) -> None:
        self._stream.write_line_of(self._ledger.encode())


class JsonLinesOutput(_Output):
    """An object for each event, the result last.

    Args:
        stream: Where to.
        ledger: What is known.
        codes: The exit codes in force.
    """

    def __init__(self, stream: Stream, ledger: Ledger, codes: ExitCodes) -> None:
        super().__init__(stream, ledger)
        self._codes = codes

    def receive(self, event: Event) -> None:
        """Writes the event.

        Raises:
            OSError: It could not be written.
        """
        self._stream.write_line_of([msgspec.json.encode(event_document(event, self._codes))])
        self._stream.check()

    def _write(self) -> None:
        latest = max((end.at for end in self._ledger.ends), key=lambda at: at.monotonic)
        self._stream.write_line_of(self._ledger.encode(latest))
