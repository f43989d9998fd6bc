"""Standard error: one stream of events, here as lines for people."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol, TypeAlias

from watcher.core.events import Ended, Watching
from watcher.core.messages.progress import Level, least_for_ends, level_of, level_of_conclusion, line_of
from watcher.core.statuses import SUCCESSES

if TYPE_CHECKING:
    from collections.abc import Callable

    from watcher.core.events import Event
    from watcher.core.exit_codes import Conclusion
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
        self._stream = stream
        self._level = level
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
        ends = isinstance(event, Ended)
        must_name_import = self._several or (ends and level > Level.INFO)  # it may be the only line seen
        if must_name_import and not isinstance(event, Watching):
            line = f"{event.ref}: {line}"
        self._write(level, line, event.at.unix, ends=ends)

    def conclude(self, conclusion: Conclusion, ends: tuple[Ended, ...]) -> None:
        """Sums several imports up; one alone has said all but a code that nobody expects of its outcome."""
        if not self._several:
            if conclusion.outcome in SUCCESSES and conclusion.code != 0:
                line = (
                    f"{ends[0].ref}: {conclusion.outcome} gives exit code {conclusion.code}, by --exit-code"
                )
                self._write(Level.ERROR, line, self._clock())
            return
        counts: dict[str, int] = {}
        for end in ends:
            counts[end.outcome] = counts.get(end.outcome, 0) + 1
        tally = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        line = f"{len(ends)} imports: {tally}; exit code {conclusion.code} ({conclusion.outcome})"
        self._write(level_of_conclusion(conclusion), line, self._clock(), ends=True)

    def say(self, level: Level, name: str, message: str) -> None:  # noqa: ARG002 (names are for machines)
        """Tells a sentence."""
        self._write(level, message, self._clock())

    def close(self) -> None:
        """Waits for its reader."""
        self._stream.drain()

    def _write(self, level: Level, text: str, at: float, *, ends: bool = False) -> None:
        if level >= (least_for_ends(self._level) if ends else self._level):
            clock = time.strftime("%H:%M:%S", time.localtime(at))
            weight = "" if level is Level.INFO else f"{level.name.lower()}: "
            self._stream.write_line(f"{clock} {weight}{text}")
