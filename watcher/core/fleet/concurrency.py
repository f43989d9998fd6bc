"""The limit on requests in flight while the rate limit is unknown."""

from __future__ import annotations

import math


class Concurrency:
    """Limit the requests in flight, as TCP's congestion avoidance does (RFC 5681, 3.1).

    The limit starts at 1 and doubles with each response. After a 429 of an undisclosed limit it starts again,
    and grows only by one per round trip above half of the requests that were in flight then. ``in_flight``
    counts all requests in flight, ``limit`` applies to those since the last restart.
    """

    def __init__(self) -> None:
        self.in_flight = 0
        self.limit = 1.0
        self._restarted_at = -math.inf
        self._counted = 0
        self._threshold = math.inf

    def allows(self, limit: float) -> bool:
        """Return whether one more request keeps within ``limit``, counted since the restart."""
        return self._counted + 1 <= limit

    def start(self) -> None:
        """Count a request that is sent."""
        self.in_flight += 1
        self._counted += 1

    def finish(self, asked_at: float) -> None:
        """Count the reply to a request that was sent at ``asked_at``."""
        self.in_flight -= 1
        if asked_at >= self._restarted_at:
            self._counted = max(0, self._counted - 1)

    def restart(self, now: float) -> None:
        """Send single requests again, whatever is in flight."""
        self.limit = 1
        self._restarted_at = now
        self._counted = 0

    def set_threshold(self) -> None:
        """Grow slowly above half of what is in flight now, as after the first 429 of an undisclosed limit."""
        self._threshold = max(2, (self.in_flight + 1) / 2)  # the smallest threshold of RFC 5681, 3.1

    def grow(self, *, is_limit_known: bool, is_fault: bool) -> None:
        """Raise the limit after a reply; a fault says nothing about limits, so growth is fast."""
        if is_limit_known and math.isinf(self._threshold):
            self.limit = math.inf
        elif is_fault:
            self.limit *= 2
        elif self.limit < self._threshold:
            self.limit = min(self.limit * 2, self._threshold)
        else:
            self.limit += 1 / self.limit
