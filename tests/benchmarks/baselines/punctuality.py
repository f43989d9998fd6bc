"""The lateness of polls, in all seconds and in those in which the processor was available all the time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

WARM_UP = 2.0
"""Seconds at the start that do not count, because connections are opened in them."""

LARGEST_STOLEN_SHARE = 0.01
"""The share of a core; beyond it, the machine decides the 99th percentile, not the program."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """The lateness of a loop's polls.

    Attributes:
        seconds: The number of seconds that count.
        lateness_s: The lateness of each poll in them, in seconds.
        quiet_seconds: The number of quiet seconds among them.
        quiet_lateness_s: The lateness of each poll in the quiet seconds.
    """

    seconds: int
    lateness_s: list[float]
    quiet_seconds: int
    quiet_lateness_s: list[float]


class Punctuality:
    """A recorder of the lateness of each poll.

    The kernel of a virtual machine counts the time that others took its processors ("steal"). A second is
    quiet if this time is short in it and in the second before, whose late polls may run in it.

    Args:
        began: The start of the program, in seconds of its clock.
        stolen: Returns the stolen seconds since the machine started.
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
        """Record a poll by its planned and its actual time."""
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

    def lateness(self) -> Lateness:
        """Return the lateness so far."""
        return Lateness(
            seconds=len(self._seconds),
            lateness_s=[late for second in self._seconds for late in second],
            quiet_seconds=len(self._quiet_seconds),
            quiet_lateness_s=[late for second in self._quiet_seconds for late in second],
        )


def stolen_seconds() -> float:
    """Return the stolen seconds of all cores since the machine started ("steal" in proc_stat(5))."""
    _, *ticks = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()
    return int(ticks[7]) / os.sysconf("SC_CLK_TCK")
