"""How much is measured: enough to tell a miss from noise, or just enough to see that all of it works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """How often and how long.

    Attributes:
        starts: Pairs of short processes.
        loads: Pairs of loops under load.
        load_seconds: How long each loop runs.
    """

    starts: int
    loads: int
    load_seconds: float


FULL = Effort(starts=25, loads=4, load_seconds=4.0)
QUICK = Effort(starts=5, loads=1, load_seconds=3.0)
