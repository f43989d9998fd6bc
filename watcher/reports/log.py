"""Standard error: one stream of events through structlog, as lines for people or as JSON."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol, TypeAlias

import msgspec
import structlog

from watcher.core.events import Ended, Watching
from watcher.reports.event_documents import event_document
from watcher.reports.values import timestamp
from watcher.reports.words import Level, level_of, line_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

    from watcher.core.events import Event
    from watcher.exit_codes import Conclusion, ExitCodes
    from watcher.reports.stream import Stream

Clock: TypeAlias = "Callable[[], float]"


class Log(Protocol):
    """What is told on standard error."""

    def receive(self, event: Event) -> None:
        """Tells an event.

        Args:
            event: Any event.
        """
        ...

    def conclude(self, conclusion: Conclusion, ends: tuple[Ended, ...]) -> None:
        """Tells how the whole watch ended.

        Args:
            conclusion: How.
            ends: The ends of its imports.
        """
        ...

    def say(self, level: Level, name: str, message: str) -> None:
        """Tells something that is no event of an import.

        Args:
            level: How much it matters.
            name: Its name, for machines.
            message: A sentence.
        """
        ...

    def close(self) -> None:
        """Leaves the terminal as it was; comes last, whatever happened."""
        ...


class JsonLog:
    """Every line is a JSON object with ``event``, ``level`` and ``at``.

    Args:
        stream: Where to.
        level: The least that is told.
        codes: The exit codes in force.
        clock: The wall clock, in Unix seconds.
    """

    def __init__(self, stream: Stream, level: Level, codes: ExitCodes, clock: Clock = time.time) -> None:
        self._log = _logger(stream, level, [structlog.processors.add_log_level, _as_json])
        self._codes = codes
        self._clock = clock

    def receive(self, event: Event) -> None:
        """Tells an event in the words of the JSON documents."""
        fields = msgspec.to_builtins(event_document(event, self._codes))
        name = fields.pop("event")
        self._log.log(level_of(event), name, **fields)

    def conclude(self, conclusion: Conclusion, ends: tuple[Ended, ...]) -> None:  # noqa: ARG002 (they told themselves)
        """Tells the outcome and the code."""
        level = Level.INFO if conclusion.code == 0 else Level.ERROR
        at = timestamp(self._clock())
        self._log.log(level, "result", at=at, outcome=conclusion.outcome, exit_code=conclusion.code)

    def say(self, level: Level, name: str, message: str) -> None:
        """Tells a sentence as ``message``."""
        self._log.log(level, name, at=timestamp(self._clock()), message=message)

    def close(self) -> None:
        """Has nothing to leave."""


class PlainLog:
    """One line a change, with the time of day.

    Args:
        stream: Where to.
        level: The least that is told.
        several: Whether the lines must name their import.
        quiet: Whether only ends are told.
        clock: The wall clock, in Unix seconds.
    """

    def __init__(
        self, stream: Stream, level: Level, *, several: bool, quiet: bool, clock: Clock = time.time
    ) -> None:
        self._log = _logger(stream, level, [structlog.processors.add_log_level, _as_line])
        self._several = several
        self._quiet = quiet
        self._clock = clock

    def receive(self, event: Event) -> None:
        """Tells an event in words, unless it only repeats."""
        if self._quiet and not isinstance(event, Ended):
            return
        line = line_of(event)
        if line is None:
            return
        level = level_of(event)
        unnamed = self._several or level is Level.ERROR  # an error may be the only line that is seen
        if unnamed and not isinstance(event, Watching):
            line = f"{event.ref}: {line}"
        self._log.log(level, line, at=event.at.unix)

    def conclude(self, conclusion: Conclusion, ends: tuple[Ended, ...]) -> None:
        """Sums several imports up; one alone has said all."""
        if not self._several:
            return
        counts: dict[str, int] = {}
        for end in ends:
            counts[end.outcome] = counts.get(end.outcome, 0) + 1
        tally = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        level = Level.INFO if conclusion.code == 0 else Level.ERROR
        line = f"{len(ends)} imports: {tally}; exit code {conclusion.code} ({conclusion.outcome})"
        self._log.log(level, line, at=self._clock())

    def say(self, level: Level, name: str, message: str) -> None:  # noqa: ARG002 (names are for machines)
        """Tells a sentence."""
        self._log.log(level, message, at=self._clock())

    def close(self) -> None:
        """Has nothing to leave."""


class _StreamLogger:
    """The last link of structlog's chain: takes rendered lines."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        self._stream.write_line(line)

    debug = info = warning = error = critical = msg


def _logger(stream: Stream, level: Level, processors: list[Processor]) -> FilteringBoundLogger:
    log: FilteringBoundLogger = structlog.wrap_logger(
        _StreamLogger(stream),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    return log


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    ordered = {"event": event.pop("event"), "level": event.pop("level"), **event}
    return msgspec.json.encode(ordered).decode()


def _as_line(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    clock = time.strftime("%H:%M:%S", time.localtime(event["at"]))
    level = event["level"]
    return f"{clock} {'' if level == 'info' else f'{level}: '}{event['event']}"
