"""Progress and outcomes as lines on standard error."""

from __future__ import annotations

import time

from watcher.core.events import Changed, Ended, Event, MetThrottle, Retrying, Watching
from watcher.core.exit_codes import Result
from watcher.core.messages.progress import (
    Level,
    level_of,
    level_of_outcome,
    line_of,
    tally_of_successes,
    watching,
)
from watcher.core.model import ImportRef
from watcher.core.statuses import SUCCESSES, Outcome
from watcher.reports.grouping import grouped
from watcher.reports.lines import Kind, Line, LineWriter
from watcher.reports.report import Notice, Report
from watcher.reports.stream import Defer
from watcher.reports.trouble import COLLECTING, Snapshot, Trouble


class PlainLog(Report):
    """Write one line for each change.

    With ``several`` imports each line names its imports, and trouble or failures that they share are one
    line; a single import is named once. ``snapshot`` is that of ``LiveView``; ``defer`` calls a function
    later.
    """

    name = "progress on standard error"

    def __init__(self, lines: LineWriter, *, several: bool, snapshot: Snapshot, defer: Defer) -> None:
        self._lines = lines
        self._several = several
        self._defer = defer
        self._trouble = Trouble(lines.write, several=several, snapshot=snapshot, defer=defer)
        self._goals: list[Watching] = []
        self._change: Changed | None = None  # not written yet: a success may follow from it
        self._successes: list[Outcome] = []
        self._ends: list[Ended] = []

    def add(self, ref: ImportRef) -> None:
        """Name and count an import in later lines."""
        self._lines.names.add(ref)
        self._trouble.add(ref)

    def receive(self, event: Event) -> None:
        """Write the event, unless it is a repetition or collected for a later line."""
        if isinstance(event, Watching):
            self._begin(event)
            return
        self._write_goals()
        if isinstance(event, Ended):
            self._end(event)
            return
        self._write_change()
        if isinstance(event, Retrying | MetThrottle):
            self._trouble.meet(event)
        elif isinstance(event, Changed):
            self._trouble.recover(event.ref)
            self._change = event
            self._defer(0.0, self._write_change)
        else:
            self._write_event(event)

    def finish(self, result: Result) -> None:
        """Summarize several imports unless the last line did; explain a success whose exit code is not 0."""
        if not result.ends:
            self._lines.write_unwatched(result)
            return
        self.flush()
        now = time.time()
        if self._several and len(self._successes) < len(result.ends):
            kind = Kind.SUCCESS if result.code == 0 else Kind.OUTCOME
            level = level_of_outcome(result.outcome, result.code)
            self._lines.write(Line(level, result.message, now, kind=kind))
        elif result.outcome in SUCCESSES and result.code != 0:
            text = f"{result.outcome}: exit code {result.code}, set by --exit-code"
            refs = self._unnamed([end.ref for end in result.ends if end.outcome is result.outcome])
            self._lines.write(Line(Level.ERROR, text, now, refs, Kind.OUTCOME))
        self._lines.finish()

    def flush(self) -> None:
        """Write everything that is collected for later lines."""
        self._write_goals()
        self._write_change()
        self._trouble.write()
        self._write_ends()

    def notify(self, notice: Notice) -> None:
        """Write the message."""
        self._lines.write(Line(notice.level, notice.message, time.time()))

    def close(self) -> None:
        self.flush()
        self._lines.close()

    def _begin(self, event: Watching) -> None:
        self.add(event.ref)
        if self._several:
            self._goals.append(event)
            self._defer(0.0, self._write_goals)
        else:
            self._lines.names.shortened = self._lines.shows_progress
            self._write_event(event)

    def _write_goals(self) -> None:
        """Write one line about all waits that begin; from then on lines leave out the shared keys."""
        goals, self._goals = self._goals, []
        if goals:
            names = self._lines.names
            text = watching([event.goal for event in goals], names.shared)
            names.shortened = self._lines.shows_progress
            self._lines.write(Line(Level.INFO, text, goals[0].at.unix))

    def _end(self, event: Ended) -> None:
        self._trouble.end(event.ref)
        if event.outcome in SUCCESSES:
            self._write_success(event)
            return
        self._write_change()
        self._ends.append(event)
        if not self._several:
            self._write_ends()
        elif len(self._ends) == 1:
            self._defer(COLLECTING, self._write_ends)

    def _write_success(self, event: Ended) -> None:
        """Write a success; the transition that it follows from is the same line."""
        self._successes.append(event.outcome)
        text, change = event.message, self._change
        if change is not None and change.ref == event.ref and level_of(change) is Level.INFO:
            self._change = None
            if change.transition.source is not None:
                text = line_of(change) or text
        self._write_change()
        total = len(self._lines.names)
        if self._several and total:
            text += f"; {tally_of_successes(self._successes, total)}"
        refs = [event.ref] if self._several else ()
        self._lines.write(Line(level_of(event), text, event.at.unix, refs, Kind.SUCCESS, end=event))

    def _write_ends(self) -> None:
        ends, self._ends = self._ends, []
        if ends:
            self._trouble.write()
        for end, refs in grouped(ends):
            kind = Kind.PROGRESS if end.left_behind else Kind.OUTCOME
            unnamed = self._unnamed(refs)
            self._lines.write(Line(level_of(end), end.message, end.at.unix, unnamed, kind, end=end))

    def _unnamed(self, refs: list[ImportRef]) -> list[ImportRef]:
        """Return the imports that a line must name: not a single one that is named already."""
        return refs if self._several or not self._lines.names.shortened else []

    def _write_change(self) -> None:
        change, self._change = self._change, None
        if change is not None:
            self._write_event(change)

    def _write_event(self, event: Event) -> None:
        line = Line.of(event, [event.ref] if self._several else [])
        if line is not None:
            self._lines.write(line)
