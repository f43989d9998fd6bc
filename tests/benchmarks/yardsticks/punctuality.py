"""How late polls are: all of them, and those of the seconds in which the machine was there all the time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

WARM_UP = 2.0
"""Seconds at the beginning that do not count: connections are opened there."""

LARGEST_STOLEN_SHARE = 0.01
"""Of a core. Where more of it is gone, the 99th percentile is the machine's, whatever the program does."""


@dataclass(frozen=True, slots=True)
class Told:
    """How late the polls of a loop were.

    Attributes:
        seconds: How many seconds counted.
        lateness_s: The lateness of each poll in them, in seconds.
        quiet_seconds: How many of them were quiet.
        quiet_lateness_s: The lateness of each poll in these.
    """

    seconds: int
    lateness_s: list[float]
    quiet_seconds: int
    quiet_lateness_s: list[float]


class Punctuality:
    """Takes down how late each poll was.

    A virtual machine loses its processors to others now and then, and its kernel counts for how long. A
    second is quiet where that was little in it, and in the one before it, whose late polls it serves.

    Args:
        began: When the program began, in seconds of its clock.
        stolen: Tells for how many seconds the processors were gone since the machine started.
    """

    def __init__(self, began: float, stolen: Callable[[], float]) -> None:
        self._stolen = stolen
        self._stolen_before = stolen()
        self._counts_from = self._second_began = began + WARM_UP
        self._previous_was_quiet = False
        self._second: list[float] = []
        self._seconds: list[list[float]] = []
        self._quiet_seconds: list[list[float]] = []

    def note(self, plan: float, now: float) -> None:
        """Notes a poll.

        Args:
            plan: When it was due.
            now: When it was made.
        """
        if now >= self._second_began + 1:
            self._end_second(now)
        if plan >= self._counts_from:
            self._second.append(now - plan)

    def _end_second(self, now: float) -> None:
        stolen = self._stolen()
        share = (stolen - self._stolen_before) / (now - self._second_began)
        is_quiet = share <= LARGEST_STOLEN_SHARE
        if self._second:
            self._seconds.append(self._second)
            if is_quiet and self._previous_was_quiet:
                self._quiet_seconds.append(self._second)
        self._second_began, self._stolen_before = now, stolen
        self._second, self._previous_was_quiet = [], is_quiet

    def told(self) -> Told:
        """Tells what came of it."""
        return Told(
            seconds=len(self._seconds),
            lateness_s=[late for second in self._seconds for late in second],
            quiet_seconds=len(self._quiet_seconds),
            quiet_lateness_s=[late for second in self._quiet_seconds for late in second],
        )


def stolen_seconds() -> float:
    """Reads how long the processors were gone, from "steal" in proc_stat(5).

    Returns:
        Seconds since the machine started, over all cores; of a machine that is not virtual, 0.
    """
    _, *ticks = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()
    return int(ticks[7]) / os.sysconf("SC_CLK_TCK")
