"""Measure every goal of speed and size against its baseline: `python -m tests.benchmarks`."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from tests.benchmarks.effort import FULL, QUICK
from tests.benchmarks.figures import as_document, as_markdown
from tests.benchmarks.fleet import measure_memory
from tests.benchmarks.growth import measure_growth
from tests.benchmarks.idle import measure_idle
from tests.benchmarks.loads import measure_lateness, measure_saturation
from tests.benchmarks.runner import open_runner
from tests.benchmarks.starts import measure_help, measure_look, measure_version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.benchmarks.effort import Effort
    from tests.benchmarks.figures import Figure
    from tests.benchmarks.runner import Runner

    Measure = Callable[[Runner, Effort], list[Figure]]

ROWS: Final[Mapping[str, Measure]] = {
    "look": measure_look,
    "version": measure_version,
    "help": measure_help,
    "saturation": measure_saturation,
    "memory": measure_memory,
    "lateness": measure_lateness,
    "idle": measure_idle,
    "growth": measure_growth,
}


def describe_machine() -> dict[str, object]:
    """Return the Python version, the number of cores and the processor's name."""
    cores = len(os.sched_getaffinity(0))
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            model = value.strip()
            break
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return {"python": python, "cores": cores, "processor": model}


@click.command()
@click.argument("rows", nargs=-1, type=click.Choice(list(ROWS)))
@click.option("--quick", is_flag=True, help="Few rounds: check that it works, not that the goals are met.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON with every sample.")
@click.option("--date", default=None, help="Date of the measurement.  [default: today]")
def main(*, rows: tuple[str, ...], quick: bool, as_json: bool, date: str | None) -> None:
    """Measure ROWS (default: all), and exit with 1 if a goal is missed."""
    effort = QUICK if quick else FULL
    figures: list[Figure] = []
    with open_runner() as runner:
        for name in rows or ROWS:
            click.echo(f"measuring {name}", err=True)
            figures += ROWS[name](runner, effort)
    day = date or datetime.now(UTC).date().isoformat()
    machine = describe_machine()
    if as_json:
        report = {"date": day, **machine, "figures": as_document(figures)}
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        click.echo(as_markdown(figures))
        click.echo("\n{}: {python}, {cores} cores of {processor}".format(day, **machine))
    if not all(figure.met for figure in figures):
        raise SystemExit(1)


if __name__ == "__main__":
    main(prog_name="python -m tests.benchmarks")
