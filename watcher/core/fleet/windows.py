"""Count the requests left in each rate-limit window."""

from __future__ import annotations

import math
from collections import defaultdict
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
    own: int  # requests of this process, at most
    reserve: int  # how many of these are for the account's other users
    ends: float
    resumes: float  # later by a jitter, because others wait for the same time


class Windows:
    """Count down the known windows of all limits, and pace requests where others use a limit too."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._windows: dict[Limit, _Window] = {}
        self._sizes: dict[Limit, int] = {}
        self._next_close = math.inf  # no window ends earlier
        self._shares: defaultdict[Limit, Share] = defaultdict(Share)
        self._paced_until = -math.inf
        self._last_end = -math.inf  # of the latest known window
        self._unnamed = 0  # requests whose replies named no window, since one did

    def allowed_at(self, *, last: bool) -> float:
        """Return when all windows allow the next request; ``last`` polls may use the reserve."""
        moment = -math.inf if last else self._paced_until
        for window in self._windows.values():
            if window.left <= (0 if last else window.reserve):
                moment = max(moment, window.ends if last else window.resumes)
        return moment

    def start(self) -> None:
        """Count a request that is sent."""
        for window in self._windows.values():
            window.left -= 1
            window.own += 1

    def pace(self, asked_at: float) -> None:
        """Set the time of the next request after one that was sent at ``asked_at``."""
        spacing = self._spacing
        self._paced_until = asked_at + schedule.poll_wait(spacing, self._random) if spacing else -math.inf

    def observe(
        self, budgets: Sequence[Budget], in_flight: int, asked_at: float, now: float, *, throttled: bool
    ) -> None:
        """Update the windows from a reply to a request, while ``in_flight`` others have no reply."""
        for budget in budgets:
            # The server may not have counted the requests in flight when it sent this response.
            left = budget.remaining - in_flight
            window = self._windows.get(budget.limit)
            if window is None or _is_newer(budget.window, window.name):
                window = self._open(budget, left, now)
                window.own = in_flight + self._unnamed + (not throttled)
            elif window.name == budget.window:
                window.left = min(window.left, left)
                window.own -= throttled  # a rejected request uses nothing
            else:
                continue
            self._update_share(budget, window, throttled=throttled)
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

    @property
    def _spacing(self) -> float:
        return max((share.spacing for share in self._shares.values()), default=0.0)

    def _update_share(self, budget: Budget, window: _Window, *, throttled: bool) -> None:
        if budget.resets_in is None:
            return
        # The time is in whole seconds, and the first one of a window says too little about a rate.
        elapsed = min(WINDOW, max(1.0, WINDOW - budget.resets_in + 0.5))
        self._shares[budget.limit].observe(
            self._sizes[budget.limit], budget.remaining, max(0, window.own), elapsed, throttled=throttled
        )

    def _open(self, budget: Budget, left: int, now: float) -> _Window:
        # If the size is not given, the most that any window had left is the best estimate.
        size = budget.size or max(budget.remaining, self._sizes.get(budget.limit, 0))
        self._sizes[budget.limit] = size
        length = WINDOW if budget.resets_in is None else budget.resets_in
        ends = now + length
        resumes = ends + schedule.after_named(length, self._random)
        window = _Window(budget.window, left, 0, size // RESERVE, ends, resumes)
        self._windows[budget.limit] = window
        self._next_close = min(self._next_close, resumes)
        self._last_end = ends
        return window


def _is_newer(name: int | None, current: int | None) -> bool:
    return name != current and (name is None or current is None or name > current)
