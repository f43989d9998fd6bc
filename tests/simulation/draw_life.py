"""Draw the lives of imports."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tests.simulation.scenario import Phase

if TYPE_CHECKING:
    from random import Random

PATH = ("preparing", "pending_approval", "ready", "in_progress")
SHOWN = {
    "queued": "queued",
    "archived": "archived",
    "Preparing": "Preparing",
    "complete ": r"complete\u0020",
    "half\u202edone": r"half\u202edone",
}
"""Unknown statuses, and the form in which users see them."""

_UNKNOWN = tuple(SHOWN)


def log_uniform(random: Random, least: float, most: float) -> float:
    """Return a random size whose order of magnitude is uniform."""
    return math.exp(random.uniform(math.log(least), math.log(most)))


def draw_life(random: Random, longest: float, appear_within: float, *, may_hang: bool) -> tuple[Phase, ...]:
    """Draw the statuses of one import over time.

    Args:
        random: The source of chance.
        longest: Longest life in seconds.
        appear_within: Longest time in seconds for which the import is missing at first.
        may_hang: Whether it may stay in a status that is not final.

    Returns:
        Its phases; the last one lasts for ever.
    """
    whole = log_uniform(random, min(0.5, longest / 2), longest)
    shown: list[str | None] = [status for status in PATH if random.random() < 0.6]
    if random.random() < 0.12:
        shown.insert(random.randint(0, len(shown)), random.choice(_UNKNOWN))
    if random.random() < 0.08:
        shown.insert(random.randint(0, len(shown)), random.choice(PATH))
    end = _draw_end(random, may_hang=may_hang)
    if end != "hangs":
        shown.append(end)
    begins = 0.0
    missing: list[Phase] = []
    if random.random() < 0.03:
        return (Phase(0.0, None),)
    if random.random() < 0.15:
        begins = random.uniform(0, 1.3 * appear_within)
        missing = [Phase(0.0, None)]
    cuts = sorted(random.uniform(0, whole) for _ in shown[1:])
    moments = [begins, *(begins + cut for cut in cuts)]
    phases = [Phase(moment, status) for moment, status in zip(moments, shown, strict=False)]
    return tuple(missing + (phases or [Phase(begins, "preparing" if may_hang else "complete")]))


def _draw_end(random: Random, *, may_hang: bool) -> str | None:
    chance = random.random()
    if chance < 0.05:
        return None
    if chance < 0.2:
        return "stopped"
    if chance < 0.3 and may_hang:
        return "hangs"
    return "complete"
