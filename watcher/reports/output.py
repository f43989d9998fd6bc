"""Standard output: the result, as text, as one JSON object, or as a JSON line for each event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from watcher.reports.event_documents import event_document
from watcher.reports.result import text_line

if TYPE_CHECKING:
    from watcher.conclusion import Conclusion, ExitCodes
    from watcher.core.events import Event
    from watcher.reports.result import Ledger
    from watcher.reports.stream import Stream

_NAME = "the result on standard output"


class TextOutput:
    """One line an import, at the end.

    Args:
        stream: Where to.
        ledger: What is known.
    """

    name = _NAME

    def __init__(self, stream: Stream, ledger: Ledger) -> None:
        self._stream = stream
        self._ledger = ledger

    def receive(self, event: Event) -> None:
        """Waits for the end."""

    def conclude(self, conclusion: Conclusion) -> None:  # noqa: ARG002 (each line tells its own)
        """Writes the lines."""
        for end in self._ledger.ends:
            self._stream.write_line(text_line(end))
        self._stream.drain()
        self._stream.check()


class JsonOutput:
    """One object at the end.

    Args:
        stream: Where to.
        ledger: What is known.
    """

    name = _NAME

    def __init__(self, stream: Stream, ledger: Ledger) -> None:
        self._stream = stream
        self._ledger = ledger

    def receive(self, event: Event) -> None:
        """Waits for the end."""

    def conclude(self, conclusion: Conclusion) -> None:  # noqa: ARG002 (the ledger knows it)
        """Writes the object."""
        self._stream.write_line_of(self._ledger.encode())
        self._stream.drain()
        self._stream.check()


class JsonLinesOutput:
    """An object for each event, the result last.

    Args:
        stream: Where to.
        ledger: What is known.
        codes: The exit codes in force.
    """

    name = _NAME

    def __init__(self, stream: Stream, ledger: Ledger, codes: ExitCodes) -> None:
        self._stream = stream
        self._ledger = ledger
        self._codes = codes

    def receive(self, event: Event) -> None:
        """Writes the event."""
        self._stream.write_line_of([msgspec.json.encode(event_document(event, self._codes))])
        self._stream.check()

    def conclude(self, conclusion: Conclusion) -> None:  # noqa: ARG002 (the ledger knows it)
        """Writes the result."""
        self._stream.write_line_of(self._ledger.encode(self._ledger.ends[-1].at))
        self._stream.drain()
        self._stream.check()
