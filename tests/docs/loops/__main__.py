"""Measure the README's comparison with shell loops in real time: ``python -m tests.docs.loops``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tests.docs.loops import SCENARIOS, WAITERS, Ending, run_waiter
from tests.support.processes import serving

LIMIT = 60.0


def measure(scenario: str) -> list[Ending]:
    """Run all commands in one scenario, one after the other."""
    endings: list[Ending] = []
    for name in WAITERS:
        with (
            serving("happy" if scenario == "revoked" else scenario, 1.0, None) as simulator,
            TemporaryDirectory() as folder,
        ):
            endings.append(run_waiter(name, scenario, simulator, Path(folder), limit=LIMIT))
    return endings


def main() -> None:
    """Print a table, and below it what each command wrote to standard error."""
    with ThreadPoolExecutor() as pool:
        results = dict(zip(SCENARIOS, pool.map(measure, SCENARIOS), strict=True))
    click.echo(f"| scenario | {' | '.join(WAITERS)} |")
    click.echo(f"| :-- | {' | '.join(':--' for _ in WAITERS)} |")
    for scenario, endings in results.items():
        cells = " | ".join(f"{one} ({one.seconds:.1f} s)" for one in endings)
        click.echo(f"| `{scenario}` | {cells} |")
    for scenario, endings in results.items():
        for name, one in zip(WAITERS, endings, strict=True):
            click.echo(f"\n{scenario}, {name}:\n{one.errors.rstrip()}")


if __name__ == "__main__":
    main()
