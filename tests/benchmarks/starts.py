"""Whole processes: one look, and the answers that need no network."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.benchmarks.figures import Figure, Goal, Unit

if TYPE_CHECKING:
    from tests.benchmarks.effort import Effort
    from tests.benchmarks.workshop import Workshop

_TARGET = "default/complete/big-spenders/1234a567-bcd8-9123-4567-abcd1234567f"
_PATH = "/api/v2/segments/default/complete/big-spenders/imports/1234a567-bcd8-9123-4567-abcd1234567f"

HEAVY_PACKAGES = frozenset({"aiohttp", "structlog"})
"""What the help need not load."""

_IMPORTED = re.compile(r"^import time:.*\|\s*([\w.]+)$", re.MULTILINE)


def measure_look(workshop: Workshop, effort: Effort) -> list[Figure]:
    """Measures ``--once`` against a plain script on the same packages that looks once and logs one line.

    Args:
        workshop: Where.
        effort: How often.

    Returns:
        One figure.
    """
    ours, theirs = _alternate(
        workshop,
        effort.starts,
        ("-m", "watcher", "--once", _TARGET),
        ("-m", "yardsticks.plain_look", workshop.server.base_uri + _PATH),
    )
    return [Figure("one look, the whole process", Unit.SECONDS, Goal(1.0), ours, theirs)]


def measure_version(workshop: Workshop, effort: Effort) -> list[Figure]:
    """Measures ``--version`` against an empty program.

    Args:
        workshop: Where.
        effort: How often.

    Returns:
        Its time, and what it imports needlessly.
    """
    return _measure_answer(workshop, effort, "--version")


def measure_help(workshop: Workshop, effort: Effort) -> list[Figure]:
    """Measures ``--help`` against an empty program.

    Args:
        workshop: Where.
        effort: How often.

    Returns:
        Its time, and what it imports needlessly.
    """
    return _measure_answer(workshop, effort, "--help")


def _measure_answer(workshop: Workshop, effort: Effort, option: str) -> list[Figure]:
    ours, theirs = _alternate(workshop, effort.starts, ("-m", "watcher", option), ("-c", "pass"))
    workshop.run("-X", "importtime", "-m", "watcher", option)
    needless = HEAVY_PACKAGES & imported_packages(workshop.err.read_text("utf-8"))
    return [
        Figure(f"`{option}`, the whole process", Unit.SECONDS, Goal(6.0), ours, theirs),
        Figure(f"`{option}` imports aiohttp or structlog", Unit.MODULES, Goal(0), [len(needless)]),
    ]


def imported_packages(report: str) -> set[str]:
    """Reads which packages a program imported.

    Args:
        report: What ``-X importtime`` wrote.

    Returns:
        The names of the top-level packages.
    """
    return {name.partition(".")[0] for name in _IMPORTED.findall(report)}


def _alternate(
    workshop: Workshop, rounds: int, ours: tuple[str, ...], theirs: tuple[str, ...]
) -> tuple[list[float], list[float]]:
    """Runs two programs in turns; the first turns fill the caches and do not count."""
    walls: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds + 1):
        for arguments, taken in zip((ours, theirs), walls, strict=True):
            taken.append(workshop.run(*arguments).wall)
    return walls[0][1:], walls[1][1:]
