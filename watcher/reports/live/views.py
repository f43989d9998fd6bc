"""What is known of one import at one moment, and the words for it in the live picture."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto
from typing import TYPE_CHECKING

from watcher.core.statuses import INCONCLUSIVE, SUCCESSES, ImportStatus
from watcher.core.text import duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watcher.core.events import Ended, Progress
    from watcher.core.model import ImportRef

_TENTHS_BELOW = 10.0
"""Seconds up to which a time that runs shows its tenths; later they would only flicker."""

_WAITING_FOR: Mapping[str | None, str] = {
    None: "waiting for the import to appear",
    ImportStatus.PREPARING: "LaunchDarkly prepares the import",
    ImportStatus.PENDING_APPROVAL: "waiting for an approval in LaunchDarkly",
    ImportStatus.READY: "waiting for LaunchDarkly to begin",
    ImportStatus.IN_PROGRESS: "LaunchDarkly imports the keys",
}


class Urgency(IntEnum):
    """How much an import wants a person's eye; the lesser, the sooner it is shown."""

    FAILED = auto()
    KEPT_FROM_NEWS = auto()
    WAITING_FOR_SOMEBODY = auto()
    MOVING = auto()
    HALTED = auto()
    DONE = auto()


@dataclass(frozen=True, slots=True)
class View:
    """One import at one moment.

    Attributes:
        ref: The import.
        goal: What is waited for, in words.
        progress: How far the wait has come.
        next_poll: Seconds until it is asked for, if no answer changes that; None while its request is under
            way.
        notice: What keeps it from news; None while all is well.
        ended: Its end, where it has come.
    """

    ref: ImportRef
    goal: str
    progress: Progress
    next_poll: float | None = None
    notice: str | None = None
    ended: Ended | None = None

    @property
    def urgency(self) -> Urgency:
        """How much it wants a person's eye."""
        if self.ended is not None:
            if self.ended.outcome in SUCCESSES:
                return Urgency.DONE
            return Urgency.HALTED if self.ended.outcome in INCONCLUSIVE else Urgency.FAILED
        if self.notice is not None:
            return Urgency.KEPT_FROM_NEWS
        waits = self.progress.status is ImportStatus.PENDING_APPROVAL
        return Urgency.WAITING_FOR_SOMEBODY if waits else Urgency.MOVING

    @property
    def keys(self) -> tuple[str, ...]:
        """The four keys of its target."""
        return self.ref.project, self.ref.environment, self.ref.segment, self.ref.import_id

    @property
    def name(self) -> str:
        """Where it stands in one word: the outcome, or the status while there is none."""
        return str(self.progress.status or "not seen yet") if self.ended is None else self.ended.outcome

    @property
    def spent(self) -> str:
        """The time in that: since the status was first seen, or the whole wait where it has ended."""
        progress = self.progress
        if self.ended is not None:
            return duration(progress.elapsed)
        return running(progress.elapsed if progress.in_state is None else progress.in_state)

    @property
    def waiting(self) -> str:
        """What is waited for at this moment."""
        if not self.progress.polls:
            return "waiting for the first answer"
        return _WAITING_FOR.get(self.progress.status, "waiting for a status that this version knows")

    @property
    def counters(self) -> tuple[str, ...]:
        """The polls, the time so far and the time to come; the first can best be spared."""
        return _polls(self.progress), f"{running(self.progress.elapsed)} elapsed", self._next_poll

    @property
    def ending(self) -> str:
        """What has become of it: the goal while that is open; a failure's long words stand elsewhere."""
        if self.ended is None:
            return self.goal
        told = self.ended.message
        if self.ended.outcome not in SUCCESSES:
            told = f"{self.ended.outcome} after {duration(self.progress.elapsed)}"
        return f"{told}, {_polls(self.progress)}"

    @property
    def note(self) -> str:
        """The one fact that a line of many has room for; empty where there is nothing to add."""
        if self.ended is not None:
            return ""
        if self.notice is not None:
            return self.notice
        return "waits for somebody" if self.urgency is Urgency.WAITING_FOR_SOMEBODY else self._next_poll

    @property
    def _next_poll(self) -> str:
        return "request under way" if self.next_poll is None else f"next poll in {running(self.next_poll)}"


def running(seconds: float) -> str:
    """Writes a time that runs, in a form that does not jump.

    Args:
        seconds: The time so far, or the time left.

    Returns:
        Such as ``0.4s``, ``9.9s``, ``10s`` or ``1m33s``.
    """
    return f"{int(seconds * 10) / 10:.1f}s" if seconds < _TENTHS_BELOW else duration(seconds)


def _polls(progress: Progress) -> str:
    return f"{progress.polls} poll{'' if progress.polls == 1 else 's'}"
