"""The events of a watch; reports are functions of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from watcher.core.model import Import, ImportRef, Instant, Transition
from watcher.core.statuses import Outcome, Status, UnknownStatus


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of the wait for one import.

    Attributes:
        status: The last observed status; None if the import was not seen yet.
        in_state: Seconds since that status was first observed.
        elapsed: Seconds since the wait began.
        polls: Number of requests; ``throttled`` of them got a 429, ``errors`` of them failed otherwise.
        last: The import as last seen.
        transitions: All transitions, including the first observation.
        seen_at: When this run last saw the import, in Unix seconds.
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
    """The wait for an import begins; ``goal`` describes its end, such as ``until complete``."""

    goal: str


@dataclass(frozen=True, slots=True)
class Changed(_Event):
    """The status has changed or was observed for the first time."""

    transition: Transition


@dataclass(frozen=True, slots=True)
class MetThrottle(_Event):
    """The API rejected a request with 429; the next one follows in ``wait`` seconds.

    Attributes:
        named_wait: Seconds that the API asked to wait; None if it named no time.
        in_a_row: Consecutive rejections, over all imports.
    """

    wait: float
    named_wait: float | None
    in_a_row: int


@dataclass(frozen=True, slots=True)
class Retrying(_Event):
    """A request got no usable response; the next one follows in ``wait`` seconds."""

    detail: str
    wait: float
    in_a_row: int


@dataclass(frozen=True, slots=True)
class MetUnknownStatus(_Event):
    """The import has an unknown status; emitted once for each unknown status."""

    status: UnknownStatus


@dataclass(frozen=True, slots=True)
class Heartbeat(_Event):
    """Nothing has changed for a while; emitted for one import on behalf of all.

    Attributes:
        waiting: Number of imports that are not final.
        trouble: Why the status may be out of date, such as an outage.
        next_poll: Seconds until the next poll of this import; None while a request is in flight.
    """

    waiting: int
    trouble: str | None
    next_poll: float | None


@dataclass(frozen=True, slots=True)
class Ended(_Event):
    """The wait for one import is over.

    Attributes:
        message: What happened, the last status, the last error, and the next step.
        signal: The number of the signal that interrupted the wait.
        left_behind: Whether another import ended the whole watch, so that this outcome does not count.
    """

    outcome: Outcome
    message: str
    signal: int | None = None
    left_behind: bool = False


Event: TypeAlias = Watching | Changed | MetThrottle | Retrying | MetUnknownStatus | Heartbeat | Ended
