"""Standard error as lines for people."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from watcher.core.events import Changed, Ended, Event, MetThrottle, Retrying, Watching
from watcher.core.exit_codes import Result
from watcher.core.messages.progress import (
    Level,
    level_of,
    level_of_outcome,
    line_of,
    responding_again,
    retrying,
    tally_of_successes,
    watching,
)
from watcher.core.model import ImportRef
from watcher.core.statuses import SUCCESSES
from watcher.reports.collecting import Outage, Pending, Snapshot, grouped, summarize
from watcher.reports.line import Line
from watcher.reports.names import Names
from watcher.reports.report import Notice, Report
from watcher.reports.stream import Defer, Stream
from watcher.reports.terminal import Tone, lay_out

COLLECTING = 2.0
"""Seconds for which the faults or failures of several imports are collected into one line."""

RECOVERY_CHECK = 1.0
"""Seconds between two checks whether an outage is over."""

SHORT_OUTAGE = 2.0
"""Seconds up to which the outage of a single import ends silently: the next poll was announced."""

_TONES = {Level.WARNING: Tone.WARNING, Level.ERROR: Tone.FAILURE}


def nowhere(_ref: ImportRef) -> None:
    """Return no snapshot of an import."""


class PlainLog(Report):
    """Write one line for each change, with the time of day; of the levels that are shown.

    With ``several`` imports each line names its imports, and trouble that they share is one line.
    ``snapshot`` is that of ``LiveView``. ``defer`` calls a function later; without it nothing is collected.
    """

    name = "progress on standard error"

    def __init__(
        self,
        stream: Stream,
        level: Level,
        *,
        several: bool,
        snapshot: Snapshot = nowhere,
        defer: Defer | None = None,
    ) -> None:
        self.names = Names()
        self._stream = stream
        self._level = level
        self._several = several
        self._defer = defer
        self._state = Pending(Outage(snapshot))

    def receive(self, event: Event) -> None:
        """Write the event, unless it is a repetition or collected for a later line."""
        state = self._state
        if isinstance(event, Watching):
            self._begin(event)
            return
        self._write_goals()
        if isinstance(event, Ended):
            self._end(event)
            return
        self._write_change()
        if isinstance(event, Retrying | MetThrottle):
            self._meet(event)
        elif isinstance(event, Changed):
            state.outage.remove(event.ref)
            if event.ref in state.faults:
                self._write_faults()
            state.change = event
            self._later(0.0, self._write_change)
        else:
            self._write_event(event)

    def finish(self, result: Result) -> None:
        """Summarize several imports unless the last line did; explain a success whose exit code is not 0."""
        self._flush()
        if not result.ends:
            self._stream.write_line(
                lay_out("", f"watcher: {result.message}", Tone.FAILURE, self._stream.columns)
            )
        elif self._several and len(self._state.successes) < len(result.ends):
            level = level_of_outcome(result.outcome, result.code)
            tone = Tone.SUCCESS if result.code == 0 else _TONES.get(level, Tone.NONE)
            line = Line(level, result.message, time.time(), tone=tone, is_outcome=result.code != 0)
            self._write(line)
        elif result.outcome in SUCCESSES and result.code != 0:
            text = f"{result.outcome}: exit code {result.code}, set by --exit-code"
            refs = [end.ref for end in result.ends]
            self._write(Line(Level.ERROR, text, time.time(), refs, tone=Tone.FAILURE))

    def notify(self, notice: Notice) -> None:
        """Write the message."""
        tone = _TONES.get(notice.level, Tone.NONE)
        self._write(Line(notice.level, notice.message, time.time(), tone=tone))

    def close(self) -> None:
        """Write what was collected, and wait for the reader of standard error."""
        self._flush()
        self._stream.drain()

    def _begin(self, event: Watching) -> None:
        self.names.add(event.ref)
        self._state.waiting += 1
        if self._several:
            self._state.goals.append(event)
            self._later(0.0, self._write_goals)
        else:
            self._write_event(event)

    def _write_goals(self) -> None:
        """Write one line about all waits that begin; from then on lines leave out the shared keys."""
        goals, self._state.goals = self._state.goals, []
        if goals:
            text = watching([event.goal for event in goals], self.names.shared)
            self.names.shortened = self._level <= Level.INFO
            self._write(Line(Level.INFO, text, goals[0].at.unix))

    def _meet(self, event: Retrying | MetThrottle) -> None:
        """Write trouble at its beginning; that of several imports is collected first."""
        state = self._state
        is_new = event.in_a_row == 1
        if isinstance(event, Retrying):
            if not state.outage.affected:
                self._later(RECOVERY_CHECK, self._check_recovery)
            is_told = not state.outage.add(event)
            if self._several and is_told and event.ref not in state.faults:
                is_new = bool(state.faults)
        if not self._several or self._defer is None:
            if is_new:
                self._write_event(event)
            return
        collected: dict[ImportRef, Retrying | MetThrottle]
        collected = state.faults if isinstance(event, Retrying) else state.throttles
        if not (is_new or collected):
            return
        if not collected:
            self._later(COLLECTING, self._write_faults)
        collected.setdefault(event.ref, event)
        if len(collected) == state.waiting:
            self._write_faults()

    def _write_faults(self) -> None:
        """Write the collected faults in one line, and the rate limits in another."""
        state = self._state
        faults, state.faults = list(state.faults.values()), {}
        throttles, state.throttles = list(state.throttles.values()), {}
        if len(faults) > 1:
            text = retrying(summarize(event.detail for event in faults if isinstance(event, Retrying)))
            refs = [event.ref for event in faults]
            self._write(Line(Level.WARNING, text, faults[0].at.unix, refs, tone=Tone.WARNING))
        elif faults:
            self._write_event(faults[0])
        if throttles:
            self._write_event(throttles[0], [event.ref for event in throttles])

    def _check_recovery(self) -> None:
        outage = self._state.outage
        recovered = outage.take_recovered()
        if recovered is not None:
            refs, length = recovered
            self._write_faults()
            if self._several or length >= SHORT_OUTAGE:
                names = refs if self._several else ()
                self._write(Line(Level.INFO, responding_again(length), time.time(), names))
        elif outage.affected:
            self._later(RECOVERY_CHECK, self._check_recovery)

    def _end(self, event: Ended) -> None:
        state = self._state
        state.outage.remove(event.ref)
        state.waiting -= 1
        if event.outcome in SUCCESSES:
            state.successes.append(event.outcome)
            self._write_success(event)
            return
        self._write_change()
        if self._several and self._defer is not None:
            if not state.ends:
                self._later(COLLECTING, self._write_ends)
            state.ends.append(event)
        else:
            self._write_end(event, [event.ref])

    def _write_success(self, event: Ended) -> None:
        """Write a success; the transition that it follows from is the same line."""
        text, change = event.message, self._state.change
        if change is not None and change.ref == event.ref and level_of(change) is Level.INFO:
            self._state.change = None
            if change.transition.source is not None:
                text = line_of(change) or text
        self._write_change()
        if self._several and len(self.names):
            text += f"; {tally_of_successes(self._state.successes, len(self.names))}"
        refs = [event.ref] if self._several else ()
        self._write(Line(level_of(event), text, event.at.unix, refs, event, Tone.SUCCESS))

    def _write_ends(self) -> None:
        ends, self._state.ends = self._state.ends, []
        if ends:
            self._write_faults()
        for end, refs in grouped(ends):
            self._write_end(end, refs)

    def _write_end(self, end: Ended, refs: list[ImportRef]) -> None:
        level = level_of(end)
        tone, is_outcome = _TONES.get(level, Tone.NONE), not end.left_behind
        self._write(Line(level, end.message, end.at.unix, refs, end, tone, is_outcome=is_outcome))

    def _write_change(self) -> None:
        change, self._state.change = self._state.change, None
        if change is not None:
            self._write_event(change)

    def _write_event(self, event: Event, refs: Sequence[ImportRef] = ()) -> None:
        text = line_of(event)
        if text is not None:
            refs = refs or ([event.ref] if self._several else ())
            level = level_of(event)
            self._write(Line(level, text, event.at.unix, refs, tone=_TONES.get(level, Tone.NONE)))

    def _flush(self) -> None:
        self._write_goals()
        self._write_change()
        self._write_faults()
        self._write_ends()

    def _later(self, delay: float, function: Callable[[], None]) -> None:
        if self._defer is not None:
            self._defer(delay, function)

    def _write(self, line: Line) -> None:
        """Write a line that the level allows; the explanation of a failure is always written."""
        if line.level < self._level and not line.is_outcome:
            return
        clock = time.strftime("%H:%M:%S", time.localtime(line.at))
        prefix = "" if line.level is Level.INFO else f"{line.level.name.lower()}: "
        target = f" ({self.names.of_all(line.refs)})" if line.refs else ""
        text = f"{prefix}{line.text}{target}"
        self._stream.write_line(lay_out(f"{clock} ", text, line.tone, self._stream.columns))
