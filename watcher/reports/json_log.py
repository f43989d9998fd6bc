"""Standard error for machines: JSON lines, written by structlog."""

from __future__ import annotations

import time

import msgspec
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from watcher.core.events import Ended, Event
from watcher.core.exit_codes import ExitCodes, Result
from watcher.core.messages.progress import Level, level_of, level_of_outcome
from watcher.core.statuses import SUCCESSES
from watcher.reports.documents import event_document, timestamp, to_json
from watcher.reports.report import Notice, Report
from watcher.reports.stream import Stream


class JsonLog(Report):
    """Write an object with ``event``, ``level`` and ``at`` for each event and message, and for the result."""

    name = "progress on standard error"

    def __init__(self, stream: Stream, level: Level, codes: ExitCodes) -> None:
        self._stream = stream
        self._log = _logger(stream, level)
        self._unfiltered = _logger(stream, Level.DEBUG)
        self._codes = codes

    def receive(self, event: Event) -> None:
        fields = msgspec.to_builtins(event_document(event, self._codes))
        is_failure = isinstance(event, Ended) and not event.left_behind and event.outcome not in SUCCESSES
        log = self._unfiltered if is_failure else self._log
        log.log(level_of(event), fields.pop("event"), **fields)

    def finish(self, result: Result) -> None:
        level = level_of_outcome(result.outcome, result.code)
        fields = {"outcome": result.outcome, "exit_code": result.code, "message": result.message}
        log = self._unfiltered if result.code != 0 or not result.ends else self._log
        log.log(level, "result", at=timestamp(time.time()), **fields)

    def notify(self, notice: Notice) -> None:
        self._log.log(notice.level, notice.name, at=timestamp(time.time()), message=notice.message)

    def close(self) -> None:
        self._stream.drain()


class _StreamLogger:
    """The end of structlog's chain: write rendered lines."""

    def __init__(self, stream: Stream) -> None:
        self.debug = self.info = self.warning = self.error = stream.write_line


def _logger(stream: Stream, level: Level) -> FilteringBoundLogger:
    log: FilteringBoundLogger = structlog.wrap_logger(
        _StreamLogger(stream),
        processors=[_as_json],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    return log


def _as_json(_logger: WrappedLogger, level: str, event: EventDict) -> str:
    return to_json({"event": event.pop("event"), "level": level, **event}).decode()
