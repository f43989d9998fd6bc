"""The fair share of a rate limit that other processes use as well."""

from __future__ import annotations

import math

WINDOW = 10.0
"""Length of LaunchDarkly's rate-limit windows in seconds."""

RESERVE = 4
"""One part in this many of a window is reserved for the account's other users."""

PROBE = 0.25
"""Requests per window by which a share grows with each response, to find out what others leave."""

KEPT = 0.8
"""Weight of earlier responses in the estimate, relative to the next one."""


class Share:
    """Estimate how many requests of each window this process may send.

    There is no share until others have used a part of a window that is almost used up. The share then starts
    at the part that this process used, at least one request. Each response adjusts it to
    ``usable * share / (others + share) + PROBE``: ``others`` is the rate at which the headers' counts drop
    without a request of our own, and ``usable`` is the window without its reserve. So the shares of all
    processes shrink in proportion while the window is overused, and the equal growth brings unequal shares
    closer together. The share ends when others hardly send any more.
    """

    def __init__(self) -> None:
        self.requests = math.inf
        self._others = 0.0
        self._elapsed = 0.0

    @property
    def spacing(self) -> float:
        """Seconds between requests; 0 without a share."""
        return WINDOW / self.requests

    def observe(self, size: int, remaining: int, own: int, elapsed: float, *, throttled: bool) -> None:
        """Update the share from a response.

        Args:
            size: Requests in a whole window.
            remaining: Requests left in this window.
            own: Requests of this process in this window, at most.
            elapsed: Seconds since the window began.
            throttled: Whether the response is a 429, which does not start a share: it may be exceptional.
        """
        others = max(0, size - remaining - own)
        self._others = self._others * KEPT + others
        self._elapsed = self._elapsed * KEPT + elapsed
        if math.isinf(self.requests):
            if not others or remaining > size // RESERVE or throttled:
                return
            self.requests = max(1.0, size * own / (own + others))
        rate = WINDOW * self._others / self._elapsed
        usable = size * (1 - 1 / RESERVE)
        self.requests = usable * self.requests / (rate + self.requests) + PROBE
        if rate < PROBE:
            self.requests = math.inf
