"""Standard error for machines: every line is a JSON object, written through structlog."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import structlog

from watcher.core.events import Ended
from watcher.core.messages.progress import Level, least_for_ends, level_of, level_of_conclusion
from watcher.reports.event_documents import event_document
from watcher.reports.values import timestamp

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

    from watcher.core.events import Event
    from watcher.core.exit_codes import Conclusion, ExitCodes
    from watcher.reports.plain import Clock
    from watcher.reports.stream import Stream


class JsonLog:
    """Every line is a JSON object with ``event``, ``level`` and ``at``.

    Args:
        stream: Where to.
        level: The least that is told.
        codes: The exit codes in force.
        clock: The wall clock, in Unix seconds.
    """

    def __init__(self, stream: Stream, level: Level, codes: ExitCodes, clock: Clock = time.time) -> None:
        self._stream = stream
        self._log = _logger(stream, level)
        self._log_of_ends = _logger(stream, least_for_ends(level))
        self._codes = codes
        self._clock = clock

    def receive(self, event: Event) -> None:
        """Tells an event in the words of the JSON documents."""
        fields = msgspec.to_builtins(event_document(event, self._codes))
        name = fields.pop("event")
        log = self._log_of_ends if isinstance(event, Ended) else self._log
        log.log(level_of(event), name, **fields)

    def conclude(self, conclusion: Conclusion, ends: tuple[Ended, ...]) -> None:  # noqa: ARG002 (they told themselves)
        """Tells the outcome and the code."""
        fields = {"outcome": conclusion.outcome, "exit_code": conclusion.code}
        at = timestamp(self._clock())
        self._log_of_ends.log(level_of_conclusion(conclusion), "result", at=at, **fields)

    def say(self, level: Level, name: str, message: str) -> None:
        """Tells a sentence as ``message``."""
        self._log.log(level, name, at=timestamp(self._clock()), message=message)

    def close(self) -> None:
        """Waits for its reader."""
        self._stream.drain()


class _StreamLogger:
    """The last link of structlog's chain: takes rendered lines."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        self._stream.write_line(line)

    debug = info = warning = error = critical = msg


def _logger(stream: Stream, level: Level) -> FilteringBoundLogger:
    log: FilteringBoundLogger = structlog.wrap_logger(
        _StreamLogger(stream),
        processors=[structlog.processors.add_log_level, _as_json],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    return log


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    ordered = {"event": event.pop("event"), "level": event.pop("level"), **event}
    return msgspec.json.encode(ordered).decode()
