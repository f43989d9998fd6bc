"""Reports for repeated runs with a state file: only what changed since the last report is written.

Faults that do not end a run are not a change. If they end it, its message quotes the last one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from watcher.core.events import Ended, Event, Heartbeat, MetThrottle, Retrying, Watching
from watcher.core.exit_codes import Result
from watcher.core.messages.progress import Level
from watcher.core.model import ImportRef
from watcher.core.statuses import Outcome
from watcher.reports.report import Notice, Report

MAX_EVENTS = 100
"""Events of each import that are kept until its wait ends; older ones are dropped."""

RESPONDING_AGAIN = Notice(Level.INFO, "responding_again", "responding again")
"""The end of an outage that an earlier run reported, once for all imports."""


class LogOfChanges(Report):
    """Keep the events of each import until its wait ends, and write them only if it has changed.

    ``reported`` returns the outcome that was last reported for an import; None if there is none.
    """

    def __init__(
        self,
        log: Report,
        has_changed: Callable[[Ended], bool],
        reported: Callable[[ImportRef], Outcome | None],
    ) -> None:
        self.name = log.name
        self._log = log
        self._has_changed = has_changed
        self._told = reported
        self._events: dict[ImportRef, deque[Event]] = {}
        self._notices: list[Notice] = []
        self._any_changed = False
        self._has_recovered = False

    def receive(self, event: Event) -> None:
        """Keep an event, or write what was kept for its import."""
        if isinstance(event, Watching):
            self._log.add(event.ref)
        if isinstance(event, Watching | Heartbeat | Retrying | MetThrottle):
            return
        self._events.setdefault(event.ref, deque(maxlen=MAX_EVENTS)).append(event)
        if isinstance(event, Ended):
            kept = self._events.pop(event.ref)
            if self._has_changed(event):
                self._any_changed = True
                for notice in self._notices:
                    self._log.notify(notice)
                self._notices.clear()
                self._tell_recovery(event)
                for earlier in kept:
                    self._log.receive(earlier)

    def finish(self, result: Result) -> None:
        """Pass the result on if an import changed, or if nothing was watched."""
        if self._any_changed or not result.ends:
            self._log.finish(result)

    def notify(self, notice: Notice) -> None:
        """Pass a warning on at once; keep hints and progress until an import has changed."""
        if self._any_changed or (notice.level >= Level.WARNING and notice.name != "hint"):
            self._log.notify(notice)
        else:
            self._notices.append(notice)

    def _tell_recovery(self, ended: Ended) -> None:
        is_over = ended.outcome is not Outcome.UNAVAILABLE
        if is_over and self._told(ended.ref) is Outcome.UNAVAILABLE and not self._has_recovered:
            self._has_recovered = True
            self._log.notify(RESPONDING_AGAIN)

    def close(self) -> None:
        self._log.close()
