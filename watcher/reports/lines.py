"""Lines for people on standard error."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from watcher.core.events import Ended, Event
from watcher.core.exit_codes import Result
from watcher.core.messages.progress import Level, level_of, line_of
from watcher.core.model import ImportRef
from watcher.reports.names import Names
from watcher.reports.stream import Stream
from watcher.reports.terminal import Tone, lay_out

_TONES = {Level.WARNING: Tone.WARNING, Level.ERROR: Tone.FAILURE}


class Kind(Enum):
    """What a line is about; an ``OUTCOME`` is not a success and is written at every level."""

    PROGRESS = auto()
    SUCCESS = auto()
    OUTCOME = auto()


@dataclass(frozen=True, slots=True)
class Line:
    """A message with the imports that it is about, at ``at`` in Unix seconds.

    Attributes:
        refs: The imports to name; empty if the message names them, or if there is only one.
        so_far: Whether the message may soon apply to further imports.
        end: The end of the import, or of the first of several with the same end.
    """

    level: Level
    text: str
    at: float
    refs: Sequence[ImportRef] = ()
    kind: Kind = Kind.PROGRESS
    so_far: bool = False
    end: Ended | None = None

    @classmethod
    def of(cls, event: Event, refs: Sequence[ImportRef]) -> Line | None:
        """Return the line about an event; None for a repetition."""
        text = line_of(event)
        return None if text is None else cls(level_of(event), text, event.at.unix, refs)


class LineWriter:
    """Write lines with the time of day, of the levels that are shown."""

    def __init__(self, stream: Stream, level: Level) -> None:
        self.names = Names()
        self._stream = stream
        self._level = level

    @property
    def shows_progress(self) -> bool:
        return self._level <= Level.INFO

    def write(self, line: Line) -> None:
        if line.level < self._level and line.kind is not Kind.OUTCOME:
            return
        clock = time.strftime("%H:%M:%S", time.localtime(line.at))
        prefix = "" if line.level is Level.INFO else f"{line.level.name.lower()}: "
        target = f" ({self.names.of_all(line.refs, so_far=line.so_far)})" if line.refs else ""
        tone = Tone.SUCCESS if line.kind is Kind.SUCCESS else _TONES.get(line.level, Tone.NONE)
        self._lay_out(f"{clock} ", f"{prefix}{line.text}{target}", tone)

    def write_unwatched(self, result: Result) -> None:
        """Write the result of a run that watched nothing, such as a usage error."""
        self._lay_out("", f"watcher: {result.message}", Tone.FAILURE)

    def finish(self) -> None:
        """Write what follows the last line of a watch."""

    def close(self) -> None:
        self._stream.drain()

    def _lay_out(self, lead: str, text: str, tone: Tone) -> None:
        self._stream.write_line(lay_out(lead, text, tone, self._stream.columns))
