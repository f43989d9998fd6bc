"""Count the requests left in each rate-limit window."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from watcher.core import schedule
from watcher.core.answers.rate_limits import Budget, Limit

WINDOW = 10.0
"""Length of LaunchDarkly's rate-limit windows in seconds, for a window without a plausible end."""

RESERVE = 4
"""One part in this many of a window is reserved for the account's other users."""


@dataclass(slots=True)
class _Window:
    name: int | None  # the end as the server names it
    left: int  # not counting requests in flight
    reserve: int  # how many of these are for the account's other users
    ends: float
    resumes: float  # later by a jitter, because others wait for the same time


class Windows:
    """Count down the known windows of all limits."""

    __slots__ = ("_next_close", "_random", "_sizes", "_windows")

    def __init__(self, random: Random) -> None:
        self._random = random
        self._windows: dict[Limit, _Window] = {}
        self._sizes: dict[Limit, int] = {}
        self._next_close = math.inf  # no window ends earlier

    def allowed_at(self, *, last: bool) -> float:
        """Return when all windows allow the next request; ``last`` polls may use the reserve."""
        moment = -math.inf
        for window in self._windows.values():
            if window.left <= (0 if last else window.reserve):
                moment = max(moment, window.ends if last else window.resumes)
        return moment

    def start(self) -> None:
        """Count a request that is sent."""
        for window in self._windows.values():
            window.left -= 1

    def observe(self, budgets: Iterable[Budget], in_flight: int, now: float) -> None:
        """Update the windows from a response, while that many requests are in flight."""
        for budget in budgets:
            # The server may not have counted the requests in flight when it sent this response.
            left = budget.remaining - in_flight
            window = self._windows.get(budget.limit)
            if window is None or _is_newer(budget.window, window.name):
                self._open(budget, left, now)
            elif window.name == budget.window:
                window.left = min(window.left, left)

    def close_expired(self, now: float) -> bool:
        """Forget the windows that have ended; return whether there were any."""
        if now < self._next_close:
            return False
        known = len(self._windows)
        self._windows = {limit: window for limit, window in self._windows.items() if now < window.resumes}
        self._next_close = min((window.resumes for window in self._windows.values()), default=math.inf)
        return len(self._windows) < known

    def is_open(self, now: float) -> bool:
        """Return whether any window is known at present."""
        return any(now < window.ends for window in self._windows.values())

    def usable_requests(self) -> float:
        """Return how many requests fit into a new window without its reserve; infinite if unknown."""
        return min((max(1, size - size // RESERVE) for size in self._sizes.values()), default=math.inf)

    def _open(self, budget: Budget, left: int, now: float) -> None:
        # If the size is not given, the most that any window had left is the best estimate.
        size = budget.size or max(budget.remaining, self._sizes.get(budget.limit, 0))
        self._sizes[budget.limit] = size
        length = WINDOW if budget.resets_in is None else budget.resets_in
        ends = now + length
        resumes = ends + schedule.after_named(length, self._random)
        self._windows[budget.limit] = _Window(budget.window, left, size // RESERVE, ends, resumes)
        self._next_close = min(self._next_close, resumes)


def _is_newer(name: int | None, current: int | None) -> bool:
    return name != current and (name is None or current is None or name > current)
