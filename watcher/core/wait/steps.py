"""What goes into a Waiter with each reply, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watcher.core.answers.rate_limits import Hold
    from watcher.core.events import Event
    from watcher.core.model import Instant


@dataclass(frozen=True, slots=True)
class Step:
    """What follows from one input.

    Attributes:
        events: What to tell, in order.
        wake_at: When to ask next, on the monotonic clock in seconds; None when the wait is over.
        interval: The polling schedule's present interval in seconds, whatever hold or backoff sets
            ``wake_at``: an import's turn among others is weighed by it.
        deadline: The moment on that clock at which a clock of the user's runs out.
    """

    events: tuple[Event, ...]
    wake_at: float | None
    interval: float
    deadline: float


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a reply came, and what the API asks for from there on.

    Attributes:
        asked_at: When the request was sent, on the monotonic clock in seconds.
        now: When the reply came.
        hold: The stretch without requests that this reply brought.
    """

    asked_at: float
    now: Instant
    hold: Hold | None = None
