"""The benchmark of processes that share a rate limit."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from tests.benchmarks.shared import JUDGED, OURS, POLLERS, Setting, main, measure

SEEDS = 8


@pytest.mark.parametrize("on_429", [True, False], ids=["headers always", "no headers on 429"])
def test_six_processes_share_five_requests(*, on_429: bool) -> None:
    """Few requests are refused, the end is seen soon, and no process starves."""
    assert measure(OURS, Setting(*JUDGED, on_429), SEEDS).meets_goals


@pytest.mark.parametrize("poller", [name for name in POLLERS if name != OURS])
def test_other_pollers_miss_a_goal(poller: str) -> None:
    """Fixed intervals and full jitter do not meet the goals."""
    assert not measure(poller, Setting(*JUDGED, on_429=True), SEEDS).meets_goals


def test_twelve_processes_all_make_progress() -> None:
    """Under twice the load, delays grow, but no process starves."""
    figures = measure(OURS, Setting(5, 12, on_429=True), SEEDS)
    assert figures.mean_delay < 18
    assert figures.unevenness < 2


def test_a_process_alone_is_never_refused() -> None:
    """A process that has the limit for itself polls as often as ever."""
    figures = measure(OURS, Setting(5, 1, on_429=True), SEEDS)
    assert figures.refused == 0
    assert figures.mean_delay < 4


def test_a_seed_gives_the_same_table() -> None:
    """The table has a row for each poller and kind of header, and is the same each time."""
    first, second = (CliRunner().invoke(main, ["--seeds", "1"]).stdout for _ in range(2))
    assert first == second
    assert len(first.splitlines()) == 2 + 2 * len(POLLERS)
