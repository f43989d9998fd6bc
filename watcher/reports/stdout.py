"""Standard output: the result as text, as one JSON object, or as a JSON line for each event."""

from __future__ import annotations

import time
from collections.abc import Callable

from watcher.core.events import Ended, Event
from watcher.core.exit_codes import Result
from watcher.core.messages.progress import Level, level_of_outcome, polls
from watcher.core.statuses import SUCCESSES
from watcher.core.text import duration
from watcher.reports.documents import event_document, to_json
from watcher.reports.report import Report
from watcher.reports.results import ResultBuilder
from watcher.reports.stream import Stream
from watcher.reports.terminal import Tone, paint

_TONES = {Level.INFO: Tone.NONE, Level.WARNING: Tone.WARNING, Level.ERROR: Tone.FAILURE}


class StandardOutput(Report):
    """Write the result at the end; ``builder`` receives each event before this report does."""

    name = "the result on standard output"

    def __init__(self, stream: Stream, builder: ResultBuilder) -> None:
        self._stream = stream
        self._builder = builder

    def finish(self, result: Result) -> None:
        self._write(result)
        self._stream.drain()
        self._stream.check()

    def _write(self, result: Result) -> None:
        raise NotImplementedError


class TextOutput(StandardOutput):
    """One line for each import, at the end; with ``has_changed``, only for imports that changed."""

    def __init__(
        self, stream: Stream, builder: ResultBuilder, has_changed: Callable[[Ended], bool] | None = None
    ) -> None:
        super().__init__(stream, builder)
        self._has_changed = has_changed

    def _write(self, result: Result) -> None:
        for end in result.ends:
            if self._has_changed is None or self._has_changed(end):
                tone = _TONES[level_of_outcome(end.outcome)] if end.outcome not in SUCCESSES else Tone.SUCCESS
                length = 0 if self._stream.columns is None else len(end.outcome)
                self._stream.write_line(paint(text_line(end), length, tone))


class JsonOutput(StandardOutput):
    """One object at the end."""

    def _write(self, result: Result) -> None:
        self._stream.write_line_of(self._builder.encode(result))


class JsonLinesOutput(StandardOutput):
    """An object for each event, the result last."""

    def receive(self, event: Event) -> None:
        self._stream.write_line_of([to_json(event_document(event, self._builder.codes))])
        self._stream.check()

    def _write(self, result: Result) -> None:
        at = max((end.at.unix for end in result.ends), default=time.time())
        self._stream.write_line_of(self._builder.encode(result, at))


def text_line(ended: Ended) -> str:
    """Return one import's result for people: outcome, target, time and polls."""
    progress = ended.progress
    return f"{ended.outcome} {ended.ref} {duration(progress.elapsed)} {polls(progress)}"
