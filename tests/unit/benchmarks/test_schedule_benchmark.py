"""The benchmark that chose the default polling schedule."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tests.benchmarks.schedules import (
    RIVALS,
    Figures,
    SimulatedImport,
    default_schedule,
    draw_imports,
    fixed_schedule,
    growing_schedule,
    is_acceptable,
    main,
    measure,
)

SEED = 1


@pytest.fixture(scope="module")
def imports() -> list[SimulatedImport]:
    """Return enough imports to tell a schedule from a clearly worse one."""
    return draw_imports(1000, SEED)


@pytest.fixture(scope="module")
def rivals(imports: list[SimulatedImport]) -> list[Figures]:
    """Return the figures of the 15 s waiter and of full jitter."""
    return [measure(rival, imports, SEED) for rival in RIVALS]


def test_the_default_beats_the_common_waiters(imports: list[SimulatedImport], rivals: list[Figures]) -> None:
    """The default has fewer requests and less delay than both, and a small relative delay."""
    assert is_acceptable(measure(default_schedule(), imports, SEED), rivals)


@pytest.mark.parametrize(
    ("min_interval", "max_interval", "growth"),
    [
        pytest.param(1, 45, 1.1, id="too late for long imports"),
        pytest.param(1, 25, 1.3, id="too late for imports of minutes"),
        pytest.param(2, 25, 1.1, id="too late for short imports"),
        pytest.param(1, 15, 1.1, id="too many requests for long imports"),
        pytest.param(0.5, 25, 1.05, id="too many requests for short imports"),
    ],
)
def test_a_worse_default_is_not_acceptable(
    min_interval: float,
    max_interval: float,
    growth: float,
    imports: list[SimulatedImport],
    rivals: list[Figures],
) -> None:
    """Each bound rejects some schedule."""
    worse = growing_schedule(min_interval, max_interval, growth)

    assert not is_acceptable(measure(worse, imports, SEED), rivals)


def test_the_figures_of_a_fixed_schedule() -> None:
    """The first poll is at the start, and the delay ends with the poll that sees the end."""
    watched = [SimulatedImport(10.0, ()), SimulatedImport(16.0, (4.0,))]

    figures = measure(fixed_schedule(4), watched, SEED)

    assert figures.mean_requests == (4 + 5) / 2
    assert figures.mean_delay == (2.0 + 0.0) / 2
    assert figures.mean_relative_delay == (0.2 + 0.0) / 2


def test_a_transition_restarts_the_waits() -> None:
    """After a transition the waits are short again, so an end soon after it is seen early."""
    schedule = growing_schedule(1, 30, 2)

    undisturbed = measure(schedule, [SimulatedImport(100.0, ())] * 100, SEED)
    disturbed = measure(schedule, [SimulatedImport(100.0, (80.0,))] * 100, SEED)

    assert disturbed.mean_requests > undisturbed.mean_requests
    assert disturbed.mean_delay < undisturbed.mean_delay


def test_the_table_and_the_json_have_the_same_figures() -> None:
    """There is one row for each schedule, the default first."""
    options = ["--imports", "100", "--seed", "7"]
    table = CliRunner().invoke(main, options).output.splitlines()
    report = json.loads(CliRunner().invoke(main, [*options, "--json"]).output)

    assert report["imports"] == 100
    assert report["seed"] == 7
    assert len(table) == 2 + len(report["schedules"])
    assert "`watcher`" in report["schedules"][0]["schedule"]
    for line, row in zip(table[2:], report["schedules"], strict=True):
        assert line.startswith(f"| {row['schedule']} | {row['mean_requests']:.1f} |")
