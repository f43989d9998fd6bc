"""What a watch tells while it goes on; reports are functions of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from watcher.core.model import Import, ImportRef, Instant, Transition
    from watcher.core.statuses import Outcome, Status, UnknownStatus


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the wait for one import has come.

    Attributes:
        status: The last status that was seen.
        in_state: Seconds since it was first seen; None before the first sight.
        elapsed: Seconds since the wait began.
        polls: Requests that were answered or failed.
        throttled: How many of them were answered with 429.
        errors: How many of them brought nothing usable for another reason.
        last: The last answer that showed the import.
        transitions: All changes of status, the first sight included.
        seen_at: When the last answer that showed the import came, in Unix seconds; None before this run's
            first.
    """

    status: Status | None
    in_state: float | None
    elapsed: float
    polls: int
    throttled: int
    errors: int
    last: Import | None
    transitions: tuple[Transition, ...]
    seen_at: float | None = None


@dataclass(frozen=True, slots=True)
class _Event:
    ref: ImportRef
    at: Instant
    progress: Progress


@dataclass(frozen=True, slots=True)
class Watching(_Event):
    """The wait for an import begins; ``goal`` says for what, in words."""

    goal: str


@dataclass(frozen=True, slots=True)
class Changed(_Event):
    """The import has another status than before, or was seen for the first time."""

    transition: Transition


@dataclass(frozen=True, slots=True)
class MetThrottle(_Event):
    """The API refused a request with 429.

    Attributes:
        wait: Seconds until it is asked again.
        named_wait: Seconds for which the API asked not to be asked; None where it named no moment.
        in_a_row: How many refusals came in a row, over all imports.
    """

    wait: float
    named_wait: float | None
    in_a_row: int


@dataclass(frozen=True, slots=True)
class Retrying(_Event):
    """A request brought nothing usable and is tried again in ``wait`` seconds."""

    detail: str
    wait: float
    in_a_row: int


@dataclass(frozen=True, slots=True)
class MetUnknownStatus(_Event):
    """The import has a status that this version does not know; told once for each."""

    status: UnknownStatus


@dataclass(frozen=True, slots=True)
class Heartbeat(_Event):
    """Nothing has changed for a while; told of one import for all of them.

    Attributes:
        waiting: How many imports are not final.
        trouble: What keeps this one from news, such as an outage.
        next_poll: Seconds until it is asked for, if no answer changes that; None while its request is under
            way.
    """

    waiting: int
    trouble: str | None
    next_poll: float | None


@dataclass(frozen=True, slots=True)
class Ended(_Event):
    """The wait for one import is over.

    Attributes:
        outcome: How.
        message: What happened, the last status, the last error, and what the person can do next.
        signal: The number of the signal that ended it, for an interrupted one.
        left_behind: Whether another import's end decided the watch, so that this one does not count.
    """

    outcome: Outcome
    message: str
    signal: int | None = None
    left_behind: bool = False


Event: TypeAlias = Watching | Changed | MetThrottle | Retrying | MetUnknownStatus | Heartbeat | Ended
