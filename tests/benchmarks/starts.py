"""The time of short processes: ``--once``, ``--version`` and ``--help``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.benchmarks.figures import Figure, Goal, Unit

if TYPE_CHECKING:
    from tests.benchmarks.effort import Effort
    from tests.benchmarks.runner import Runner

_TARGET = "default/complete/big-spenders/1234a567-bcd8-9123-4567-abcd1234567f"
_PATH = "/api/v2/segments/default/complete/big-spenders/imports/1234a567-bcd8-9123-4567-abcd1234567f"

HEAVY_PACKAGES = frozenset({"aiohttp", "structlog"})
"""Packages that the help must not import."""

_IMPORTED = re.compile(r"^import time:.*\|\s*([\w.]+)$", re.MULTILINE)


def measure_look(runner: Runner, effort: Effort) -> list[Figure]:
    """Measure ``--once`` against a plain script on the same packages that polls once and logs one line."""
    ours, theirs = _alternate(
        runner,
        effort.starts,
        ("-m", "watcher", "--once", _TARGET),
        ("-m", "baselines.plain_script", runner.server.base_uri + _PATH),
    )
    return [Figure("one poll, the whole process", Unit.SECONDS, Goal(1.0), ours, theirs)]


def measure_version(runner: Runner, effort: Effort) -> list[Figure]:
    """Measure ``--version`` against an empty program, and count its heavy imports."""
    return _measure_answer(runner, effort, "--version")


def measure_help(runner: Runner, effort: Effort) -> list[Figure]:
    """Measure ``--help`` against an empty program, and count its heavy imports."""
    return _measure_answer(runner, effort, "--help")


def _measure_answer(runner: Runner, effort: Effort, option: str) -> list[Figure]:
    ours, theirs = _alternate(runner, effort.starts, ("-m", "watcher", option), ("-c", "pass"))
    runner.run("-X", "importtime", "-m", "watcher", option)
    heavy = HEAVY_PACKAGES & imported_packages(runner.err.read_text("utf-8"))
    return [
        Figure(f"`{option}`, the whole process", Unit.SECONDS, Goal(6.0), ours, theirs),
        Figure(f"`{option}` imports aiohttp or structlog", Unit.MODULES, Goal(0), [len(heavy)]),
    ]


def imported_packages(report: str) -> set[str]:
    """Return the top-level packages in the output of ``python -X importtime``."""
    return {name.partition(".")[0] for name in _IMPORTED.findall(report)}


def _alternate(
    runner: Runner, rounds: int, ours: tuple[str, ...], theirs: tuple[str, ...]
) -> tuple[list[float], list[float]]:
    """Run two programs alternately; the first runs fill the caches and do not count."""
    walls: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds + 1):
        for arguments, taken in zip((ours, theirs), walls, strict=True):
            taken.append(runner.run(*arguments).wall)
    return walls[0][1:], walls[1][1:]
