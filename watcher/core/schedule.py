"""When to ask again: the waits between polls, after faults and after refusals, and their jitter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import backoff

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

POLL_JITTER = 0.1
"""A poll comes up to this share of its interval early or late, so that waiters that began together part."""

THROTTLE_FIRST = 2.0
THROTTLE_CEILING = 60.0


def growing(first: float, ceiling: float, growth: float) -> Iterator[float]:
    """Makes the waits of exponential backoff, without jitter.

    Args:
        first: The first wait in seconds.
        ceiling: The longest wait in seconds.
        growth: What each wait is multiplied by to give the next.

    Returns:
        An endless iterator of seconds.
    """
    waits = backoff.expo(base=growth, factor=first, max_value=ceiling)
    next(waits)  # both distributions of backoff yield once before the first wait
    return waits


def poll_wait(interval: float, random: Random) -> float:
    """Spreads one interval of the polling schedule.

    Args:
        interval: Seconds between two polls.
        random: The source of jitter.

    Returns:
        Seconds, uniform within 10 % of the interval.
    """
    return interval * random.uniform(1 - POLL_JITTER, 1 + POLL_JITTER)


def fault_wait(ceiling: float, random: Random) -> float:
    """Spreads the wait after a fault over its whole ceiling, so that a recovering server meets no wave.

    Args:
        ceiling: The longest wait in seconds.
        random: The source of jitter.

    Returns:
        Seconds, uniform from 0 to the ceiling ("full jitter").
    """
    return random.uniform(0, ceiling)


def throttle_ceilings() -> Iterator[float]:
    """Makes the ceilings of the waits after refusals in a row that name no moment: 2 s, 4 s, to 60 s.

    Returns:
        An endless iterator of seconds.
    """
    return growing(THROTTLE_FIRST, THROTTLE_CEILING, 2)


def throttle_wait(ceiling: float, random: Random) -> float:
    """Spreads the wait after a refusal that names no moment.

    Args:
        ceiling: The longest wait in seconds.
        random: The source of jitter.

    Returns:
        Seconds, uniform from half of the ceiling to all of it.
    """
    return random.uniform(ceiling / 2, ceiling)


def after_named(wait: float, random: Random) -> float:
    """Makes the jitter on top of a wait that the API named; never part of the wait itself.

    Args:
        wait: Seconds that the API asked for.
        random: The source of jitter.

    Returns:
        Seconds to add, uniform from 0 to a tenth of the wait, or to 1 s where that is more.
    """
    return random.uniform(0, max(1.0, wait / 10))
