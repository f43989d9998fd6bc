"""The benchmarks' figures, goals and output."""

from __future__ import annotations

import json
from contextlib import nullcontext
from itertools import accumulate, takewhile
from random import Random
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from tests.benchmarks import __main__ as command
from tests.benchmarks.baselines.punctuality import WARM_UP, Lateness, Punctuality, stolen_seconds
from tests.benchmarks.figures import Figure, Goal, Unit, as_document, as_markdown
from tests.benchmarks.idle import INTERVAL
from tests.benchmarks.loads import judge_lateness
from tests.benchmarks.starts import HEAVY_PACKAGES, imported_packages
from watcher.core.policy import Policy
from watcher.core.schedule import growing, poll_wait

if TYPE_CHECKING:
    from collections.abc import Sequence

AT_MOST_ONE = Goal(1.0)
HOUR = 3600.0


def figure(
    ours: Sequence[float],
    baseline: Sequence[float] = (),
    goal: Goal | None = AT_MOST_ONE,
    unit: Unit = Unit.SECONDS,
    *,
    judged_by_ratio: bool = True,
) -> Figure:
    """Return a figure with the name "it"."""
    return Figure("it", unit, goal, ours, baseline, judged_by_ratio=judged_by_ratio)


def test_a_drift_of_both_neighbours_cancels_out() -> None:
    """Each sample is compared with its neighbour, so a slower machine does not change the ratio."""
    drifting = figure([1.0, 2.0, 40.0], [2.0, 4.0, 80.0])

    assert drifting.value == 0.5
    assert drifting.spread == (0.5, 0.5)


def test_a_single_outlier_does_not_count() -> None:
    """The value is the median, and the spread is the quartiles."""
    noisy = figure([1.0, 9.0, 2.0, 3.0, 2.0])

    assert noisy.value == 2.0
    assert noisy.spread == (2.0, 3.0)


def test_one_sample_has_no_spread() -> None:
    """The quartiles of one sample are the sample."""
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
    """A value at the bound meets the goal, and a value beyond it does not."""
    assert figure([value], goal=goal).met is met


def test_a_baseline_may_be_only_shown() -> None:
    """Without judged_by_ratio, the goal applies to the samples."""
    late = figure([0.010], [0.002], Goal(0.005), judged_by_ratio=False)

    assert late.value == 0.010
    assert not late.met


def test_samples_without_a_neighbour_are_an_error() -> None:
    """A missing sample would pair all later ones wrongly."""
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
    """The table shows milliseconds, kibibytes and percentages."""
    row = as_markdown([figure([sample], unit=unit, goal=Goal(sample))]).splitlines()[2]

    assert row == f"| it | {written} |  | {written} ({written} to {written}) | ≤ {written} | yes |"


def test_a_ratio_has_no_unit() -> None:
    """Medians have their unit, the ratio and its goal are factors, and a miss is bold."""
    rate = figure([700.0, 800.0], [1000.0, 1000.0], Goal(0.8, at_least=True), Unit.POLLS_PER_SECOND)
    row = as_markdown([rate]).splitlines()[2]

    assert row == ("| it | 750 polls/s | 1000 polls/s | 0.75x (0.72x to 0.78x) | ≥ 0.80x | **no** |")


def test_the_document_holds_every_sample() -> None:
    """The JSON has the samples, the judged values and the goal."""
    (document,) = json.loads(json.dumps(as_document([figure([1.0, 3.0], [2.0, 2.0])])))

    assert document == {
        "name": "it",
        "unit": "s",
        "ours": [1.0, 3.0],
        "baseline": [2.0, 2.0],
        "value": 1.0,
        "quartiles": [0.75, 1.25],
        "is_ratio": True,
        "goal": 1.0,
        "at_least": False,
        "met": True,
    }


def test_a_figure_without_a_goal_is_never_missed() -> None:
    """A figure without a goal counts as met, and its cells for the goal are empty."""
    shown = figure([3.0], goal=None)

    assert shown.met
    assert as_markdown([shown]).endswith("| 3000.0 ms (3000.0 ms to 3000.0 ms) |  |  |")
    assert as_document([shown])[0]["goal"] is None


def lateness_by_second(stolen: Sequence[float]) -> Lateness:
    """Record a hundred polls per second; in second N, each is N milliseconds late."""
    total = accumulate(stolen, initial=0.0)
    punctuality = Punctuality(0.0, lambda: next(total))
    for second in range(len(stolen) + 1):
        for poll in range(100):
            plan = WARM_UP + second + poll / 100
            punctuality.note(plan, plan + second / 1000)
    return punctuality.lateness()


def test_quiet_seconds_are_separate() -> None:
    """A second is quiet if hardly any time was stolen in it and in the second before."""
    seen = lateness_by_second([0.0, 0.009, 0.02, 0.0, 0.01, 0.5])

    assert (seen.seconds, seen.quiet_seconds) == (6, 2)
    assert {round(late, 6) for late in seen.quiet_lateness_s} == {0.001, 0.004}
    assert max(seen.lateness_s) == pytest.approx(0.005)


def test_polls_while_connections_are_opened_do_not_count() -> None:
    """Late polls in the warm-up are not recorded."""
    punctuality = Punctuality(0.0, lambda: 0.0)
    punctuality.note(0.5, 1.9)
    for tenth in range(31):
        punctuality.note(WARM_UP + tenth / 10, WARM_UP + tenth / 10)

    assert set(punctuality.lateness().lateness_s) == {0.0}


def a_round(quiet_s: float, loud_s: float, *, is_quiet: bool = True) -> Lateness:
    """Return a round of one quiet second and seven others, each with equally late polls."""
    quiet = [quiet_s] * 100 if is_quiet else []
    return Lateness(8, [quiet_s] * 100 + [loud_s] * 700, int(is_quiet), quiet)


def test_lateness_is_that_of_all_quiet_polls() -> None:
    """The goal applies to the quiet seconds of all rounds together; one late round in two is a miss."""
    good, bad = a_round(0.001, 0.2), a_round(0.008, 0.2)

    quiet, everything = judge_lateness([good] * 4, [good] * 4, 4)
    assert quiet.met
    assert quiet.value == pytest.approx(0.001)
    assert everything.goal is None
    assert everything.value == pytest.approx(0.2)
    quiet, _ = judge_lateness([good, bad] * 2, [good] * 4, 4)
    assert not quiet.met
    assert quiet.value == pytest.approx(0.008)


def test_on_a_loud_machine_every_second_is_judged() -> None:
    """With too few quiet rounds, the goal applies to all polls."""
    rounds = [a_round(0.001, 0.2)] * 3 + [a_round(0.001, 0.2, is_quiet=False)] * 13

    (figure,) = judge_lateness(rounds, rounds, 4)
    assert not figure.met


def test_the_kernel_counts_stolen_time() -> None:
    """The counter is readable and never decreases."""
    before = stolen_seconds()

    assert 0 <= before <= stolen_seconds()


def test_imports_are_read_by_package() -> None:
    """A module counts for its package, and not for a package whose name is a prefix of its own."""
    report = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:       101 |        101 |   _io\n"
        "import time:       202 |        303 |     aiohttp.client\n"
        "import time:       202 |        303 | structlog_extras\n"
    )

    assert imported_packages(report) & HEAVY_PACKAGES == {"aiohttp"}


def test_an_hour_has_no_more_polls_than_the_measured_interval() -> None:
    """The idle benchmark polls at least as often as the default schedule's mean over an hour."""
    policy, random = Policy(), Random(1)
    intervals = growing(policy.min_interval, policy.max_interval, policy.growth)
    moments = accumulate(poll_wait(interval, random) for interval in intervals)

    polls = sum(1 for _ in takewhile(lambda moment: moment < HOUR, moments))

    assert polls <= HOUR / INTERVAL


@pytest.mark.parametrize(("ours", "code"), [(0.9, 0), (1.1, 1)])
def test_a_missed_goal_exits_with_1(ours: float, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the named rows run, the JSON has the date and the machine, and a miss exits with 1."""
    monkeypatch.setattr(command, "open_runner", nullcontext)
    monkeypatch.setattr(command, "ROWS", {"look": lambda *_: [figure([ours])]})

    ended = CliRunner().invoke(command.main, ["look", "--json", "--date", "2026-01-05"])

    assert ended.exit_code == code
    report = json.loads(ended.stdout)
    assert report["date"] == "2026-01-05"
    assert report["cores"] > 0
    assert [one["met"] for one in report["figures"]] == [code == 0]
