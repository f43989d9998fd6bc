"""The harness of the benchmarks counts, judges and lays out as it says."""

from __future__ import annotations

import json
from contextlib import nullcontext
from itertools import accumulate, takewhile
from random import Random
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from tests.benchmarks import __main__ as command
from tests.benchmarks.figures import Figure, Goal, Unit, as_document, as_markdown
from tests.benchmarks.idle import INTERVAL
from tests.benchmarks.starts import HEAVY_PACKAGES, imported_packages
from watcher.core.policy import Policy
from watcher.core.schedule import growing, poll_wait

if TYPE_CHECKING:
    from collections.abc import Sequence

AT_MOST_ONE = Goal(1.0)
HOUR = 3600.0


def figure(
    ours: Sequence[float],
    yardstick: Sequence[float] = (),
    goal: Goal = AT_MOST_ONE,
    unit: Unit = Unit.SECONDS,
    *,
    judged_by_ratio: bool = True,
) -> Figure:
    """Makes a figure that is called "it"."""
    return Figure("it", unit, goal, ours, yardstick, judged_by_ratio=judged_by_ratio)


def test_a_drift_that_neighbours_share_does_no_harm() -> None:
    """Each sample is compared with its own neighbour, however slow the machine has become by then."""
    drifting = figure([1.0, 2.0, 40.0], [2.0, 4.0, 80.0])

    assert drifting.value == 0.5
    assert drifting.spread == (0.5, 0.5)


def test_a_single_outlier_does_no_harm() -> None:
    """What counts is the median; the quartiles show how far the others are from it."""
    noisy = figure([1.0, 9.0, 2.0, 3.0, 2.0])

    assert noisy.value == 2.0
    assert noisy.spread == (2.0, 3.0)


def test_one_sample_has_no_spread() -> None:
    """A figure that was taken once is its own quartiles."""
    assert figure([3.0]).spread == (3.0, 3.0)


@pytest.mark.parametrize(
    ("goal", "value", "met"),
    [
        (Goal(0.8), 0.8, True),
        (Goal(0.8), 0.81, False),
        (Goal(0.8, at_least=True), 0.8, True),
        (Goal(0.8, at_least=True), 0.79, False),
    ],
)
def test_a_goal_is_met_at_its_bound(goal: Goal, value: float, *, met: bool) -> None:
    """The bound itself is good enough, and what lies past it is not."""
    assert figure([value], goal=goal).met is met


def test_a_yardstick_may_only_show_what_the_machine_can_do() -> None:
    """Where the goal is not about the ratio, the samples themselves are judged."""
    late = figure([0.010], [0.002], Goal(0.005), judged_by_ratio=False)

    assert late.value == 0.010
    assert not late.met


def test_samples_without_a_neighbour_are_refused() -> None:
    """A round that one side missed would pair strangers from there on."""
    with pytest.raises(ValueError, match="shorter"):
        _ = figure([1.0, 2.0], [1.0]).value


@pytest.mark.parametrize(
    ("unit", "sample", "written"),
    [
        (Unit.SECONDS, 0.25, "250.0 ms"),
        (Unit.POLLS_PER_SECOND, 1234.4, "1234 polls/s"),
        (Unit.BYTES, 4096, "4.00 KiB"),
        (Unit.BYTES, 100 * 2**20, "100.0 MiB"),
        (Unit.SHARE, 0.001, "0.100%"),
        (Unit.MODULES, 2, "2"),
    ],
)
def test_samples_are_written_in_their_unit(unit: Unit, sample: float, written: str) -> None:
    """People read milliseconds, kibibytes and per cent."""
    row = as_markdown([figure([sample], unit=unit, goal=Goal(sample))]).splitlines()[2]

    assert row == f"| it | {written} |  | {written} ({written} to {written}) | ≤ {written} | yes |"


def test_a_ratio_has_no_unit() -> None:
    """The medians are shown in their unit, and their ratio and its goal as factors; a miss stands out."""
    rate = figure([700.0, 800.0], [1000.0, 1000.0], Goal(0.8, at_least=True), Unit.POLLS_PER_SECOND)
    row = as_markdown([rate]).splitlines()[2]

    assert row == ("| it | 750 polls/s | 1000 polls/s | 0.75x (0.72x to 0.78x) | ≥ 0.80x | **no** |")


def test_the_document_holds_every_sample() -> None:
    """Programs get the samples, what was made of them, and the goal."""
    (document,) = json.loads(json.dumps(as_document([figure([1.0, 3.0], [2.0, 2.0])])))

    assert document == {
        "name": "it",
        "unit": "s",
        "ours": [1.0, 3.0],
        "yardstick": [2.0, 2.0],
        "value": 1.0,
        "quartiles": [0.75, 1.25],
        "is_ratio": True,
        "goal": 1.0,
        "at_least": False,
        "met": True,
    }


def test_imports_are_read_by_package() -> None:
    """What counts is the package that a module is in, and no package whose name only begins alike."""
    report = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:       101 |        101 |   _io\n"
        "import time:       202 |        303 |     aiohttp.client\n"
        "import time:       202 |        303 | structlog_extras\n"
    )

    assert imported_packages(report) & HEAVY_PACKAGES == {"aiohttp"}


def test_an_hour_has_no_more_polls_than_the_measured_stretch() -> None:
    """The pace at which waiting is measured is no slower than the default schedule's mean over an hour."""
    policy, random = Policy(), Random(1)
    intervals = growing(policy.min_interval, policy.max_interval, policy.growth)
    moments = accumulate(poll_wait(interval, random) for interval in intervals)

    polls = sum(1 for _ in takewhile(lambda moment: moment < HOUR, moments))

    assert polls <= HOUR / INTERVAL


@pytest.mark.parametrize(("ours", "code"), [(0.9, 0), (1.1, 1)])
def test_the_exit_code_tells_a_miss(ours: float, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the rows that were named are run, day and machine are told, and a missed goal is code 1."""
    monkeypatch.setattr(command, "opened", nullcontext)
    monkeypatch.setattr(command, "ROWS", {"look": lambda *_: [figure([ours])]})

    ended = CliRunner().invoke(command.main, ["look", "--json", "--date", "2026-01-05"])

    assert ended.exit_code == code
    report = json.loads(ended.stdout)
    assert report["date"] == "2026-01-05"
    assert report["cores"] > 0
    assert [one["met"] for one in report["figures"]] == [code == 0]
