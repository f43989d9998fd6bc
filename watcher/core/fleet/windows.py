"""Count the requests left in each rate-limit window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from watcher.core import schedule
from watcher.core.answers.rate_limits import Budget, Limit
from watcher.core.fleet.share import RESERVE, WINDOW, Share


@dataclass(slots=True)
class _Window:
    name: int | None  # the end as the server names it
    left: int  # not counting requests in flight
    reserve: int  # how many of these are for the account's other users
    ends: float
    resumes: float  # later by a jitter, because others wait for the same time
    own: int = 0  # requests of this process, at most


class _Known:
    """What is known of one limit; there is no window after it ended."""

    def __init__(self) -> None:
        self.size = 0  # of the latest window
        self.window: _Window | None = None
        self.share = Share()


class Windows:
    """Count down the known windows of all limits, and pace requests where others use a limit too."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._limits: dict[Limit, _Known] = {}
        self._open_windows: list[_Window] = []
        self._next_close = math.inf  # no window ends earlier
        self._spacing = 0.0  # seconds between requests, if others use a limit too
        self._paced_until = -math.inf
        self._last_end = -math.inf  # of the latest known window
        self._unnamed = 0  # requests whose replies named no window, since one did

    def allowed_at(self, *, last: bool) -> float:
        """Return when all windows allow the next request; ``last`` polls may use the reserve."""
        moment = -math.inf if last else self._paced_until
        for window in self._open_windows:
            if window.left <= (0 if last else window.reserve):
                moment = max(moment, window.ends if last else window.resumes)
        return moment

    def start(self) -> None:
        """Count a request that is sent."""
        for window in self._open_windows:
            window.left -= 1
            window.own += 1

    def pace(self, asked_at: float) -> None:
        """Set the time of the next request after one that was sent at ``asked_at``."""
        self._paced_until = -math.inf
        if self._spacing:
            self._paced_until = asked_at + schedule.poll_wait(self._spacing, self._random)

    def observe(
        self, budgets: Sequence[Budget], in_flight: int, asked_at: float, now: float, *, throttled: bool
    ) -> None:
        """Update the windows from a reply to a request, while ``in_flight`` others have no reply."""
        for budget in budgets:
            known = self._limits.get(budget.limit)
            if known is None:
                known = self._limits[budget.limit] = _Known()
            # The server may not have counted the requests in flight when it sent this response.
            left = budget.remaining - in_flight
            window = known.window
            if window is None or _is_newer(budget.window, window.name):
                window = self._open(known, budget, left, now)
                window.own = in_flight + self._unnamed + (not throttled)
            elif window.name == budget.window:
                window.left = min(window.left, left)
                window.own -= throttled  # a rejected request uses nothing
            else:
                continue
            self._update_share(known, budget, window.own, throttled=throttled)
        self._unnamed = 0 if budgets else self._unnamed + (not throttled)
        if throttled:
            self._paced_until = -math.inf  # the hold ends with the window, whose first requests are accepted
        elif not in_flight:
            self.pace(asked_at)

    def next_window(self, now: float) -> float:
        """Return when the next window begins if others use the limit too; else ``now``."""
        if not self._spacing:
            return now
        return self._last_end + WINDOW * max(0, math.ceil((now - self._last_end) / WINDOW))

    def close_expired(self, now: float) -> bool:
        """Forget the windows that have ended; return whether there were any."""
        if now < self._next_close:
            return False
        for known in self._limits.values():
            if known.window is not None and known.window.resumes <= now:
                known.window = None
        self._list_windows()
        return True

    def is_open(self, now: float) -> bool:
        """Return whether any window is known at present."""
        return any(now < window.ends for window in self._open_windows)

    def usable_requests(self) -> float:
        """Return how many requests fit into a new window without its reserve; infinite if unknown."""
        sizes = (known.size for known in self._limits.values())
        return min((max(1, size - size // RESERVE) for size in sizes), default=math.inf)

    def _update_share(self, known: _Known, budget: Budget, own: int, *, throttled: bool) -> None:
        if budget.resets_in is None:
            return
        # The time is in whole seconds, and the first one of a window says too little about a rate.
        elapsed = min(WINDOW, max(1.0, WINDOW - budget.resets_in + 0.5))
        before = known.share.requests
        known.share.observe(known.size, budget.remaining, own, elapsed, throttled=throttled)
        if known.share.requests != before:
            self._spacing = max(other.share.spacing for other in self._limits.values())

    def _open(self, known: _Known, budget: Budget, left: int, now: float) -> _Window:
        # If the size is not given, the most that any window had left is the best estimate.
        known.size = budget.size or max(budget.remaining, known.size)
        length = WINDOW if budget.resets_in is None else budget.resets_in
        ends = now + length
        resumes = ends + schedule.after_named(length, self._random)
        known.window = _Window(budget.window, left, known.size // RESERVE, ends, resumes)
        self._list_windows()
        self._last_end = ends
        return known.window

    def _list_windows(self) -> None:
        windows = (known.window for known in self._limits.values())
        self._open_windows = [window for window in windows if window is not None]
        self._next_close = min((window.resumes for window in self._open_windows), default=math.inf)


def _is_newer(name: int | None, current: int | None) -> bool:
    return name != current and (name is None or current is None or name > current)
