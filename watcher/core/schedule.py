"""When to send the next request: polling intervals, backoff after faults and rate limits, and jitter."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import backoff

from watcher.core.policy import Policy


class PollSchedule:
    """The growing intervals between the polls of one import; ``interval`` is the present one in seconds."""

    __slots__ = ("_intervals", "_policy", "_random", "interval")

    def __init__(self, policy: Policy, random: Random) -> None:
        self.interval = policy.min_interval
        self._policy = policy
        self._random = random
        self.restart()

    def restart(self) -> None:
        """Start over with the shortest interval, as after a transition."""
        policy = self._policy
        self._intervals = growing(policy.min_interval, policy.max_interval, policy.growth)

    def next_wait(self) -> float:
        """Return the seconds until the next poll, and advance to the next interval."""
        self.interval = next(self._intervals)
        return poll_wait(self.interval, self._random)


def growing(first: float, ceiling: float, growth: float) -> Iterator[float]:
    """Return the endless waits of exponential backoff without jitter, in seconds."""
    waits = backoff.expo(base=growth, factor=first, max_value=ceiling)
    next(waits)  # both distributions of backoff yield once before the first wait
    return waits


def poll_wait(interval: float, random: Random) -> float:
    """Return an interval with jitter of up to 10 % in either direction, so that waits drift apart."""
    return interval * random.uniform(0.9, 1.1)


def fault_wait(ceiling: float, random: Random) -> float:
    """Return a wait between 0 and ``ceiling`` ("full jitter"), so that a recovering server is not flooded."""
    return random.uniform(0, ceiling)


def throttle_ceilings() -> Iterator[float]:
    """Return the ceilings of the waits after consecutive 429s that name no time: 2 s, 4 s, up to 60 s."""
    return growing(2.0, 60.0, 2)


def throttle_wait(ceiling: float, random: Random) -> float:
    """Return a wait between half of ``ceiling`` and all of it."""
    return random.uniform(ceiling / 2, ceiling)


def after_named(wait: float, random: Random) -> float:
    """Return the jitter to add to a wait that the API named: up to a tenth of it, at least up to 1 s."""
    return random.uniform(0, max(1.0, wait / 10))
