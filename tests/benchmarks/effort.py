"""The number of measurements: enough to tell a miss from noise, or just enough to check that they work."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """The number and length of measurements.

    Attributes:
        starts: Pairs of short processes.
        loads: Pairs of loops under load.
        load_seconds: Seconds of each loop.
    """

    starts: int
    loads: int
    load_seconds: float


FULL = Effort(starts=25, loads=4, load_seconds=4.0)
QUICK = Effort(starts=5, loads=1, load_seconds=3.0)
