"""What is known at one moment, for threads that must not touch the watch itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watcher.core.exit_codes import Result
    from watcher.core.model import Instant
    from watcher.reports.results import ResultBuilder

LONGEST_DELAY = 5.0
"""Seconds of silence after which the watch counts as stuck; a loaded machine is late by far less."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where a watch stands; it never changes, so any thread may read it.

    Attributes:
        at: When this was so. The watch's thread makes a new one each second while it is alive.
        builder: What is known of the imports; nobody writes to it any more.
        wakes_at: The moment, on the monotonic clock in seconds, by which the watch means to go on.
        result: How the watch ended, where it has.
    """

    at: Instant
    builder: ResultBuilder
    wakes_at: float = math.inf
    result: Result | None = None

    def is_stuck(self, now: float) -> bool:
        """Tells whether the watch has stopped working, which waiting and being throttled are not.

        Args:
            now: The monotonic clock in seconds.

        Returns:
            True where its thread is blocked, or has slept past the moment at which it meant to go on.
        """
        return now > self.at.monotonic + LONGEST_DELAY or self.at.monotonic > self.wakes_at + LONGEST_DELAY
