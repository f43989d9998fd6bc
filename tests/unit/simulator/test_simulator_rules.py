"""The simulator's pure parts: the life of an import, and the windows of the rate limit."""

from __future__ import annotations

from itertools import pairwise

import pytest

from watcher.simulator.imports import ImportLife
from watcher.simulator.rate_limit import RateLimit
from watcher.simulator.scenarios import SCENARIOS, Fault, Scenario, Status
from watcher.simulator.store import ImportStore, SegmentKeys
from watcher.simulator.uploads import Upload

TIMELINES: dict[str, list[tuple[float, str | None]]] = {
    "happy": [(0.0, "preparing"), (2.5, "ready"), (5.0, "in_progress"), (10.0, "complete")],
    "approval": [(0.0, "preparing"), (2.5, "pending_approval")],
    "stopped": [(0.0, "preparing"), (2.5, "ready"), (5.0, "in_progress"), (8.0, "stopped")],
    "stuck": [(0.0, "preparing"), (2.5, "ready"), (5.0, "in_progress")],
    "throttled": [(0.0, "preparing"), (4.0, "ready"), (8.0, "in_progress"), (15.0, "complete")],
    "flaky": [(0.0, "preparing"), (4.0, "ready"), (8.0, "in_progress"), (15.0, "complete")],
    "vanish": [(0.0, "preparing"), (2.5, "ready"), (5.0, None)],
    "unknown-status": [
        (0.0, "preparing"),
        (2.5, "validating"),
        (5.0, "ready"),
        (7.5, "in_progress"),
        (10.0, "complete"),
    ],
    "demo": [
        (0.0, "preparing"),
        (1.8, "pending_approval"),
        (3.6, "ready"),
        (5.4, "in_progress"),
        (9.0, "complete"),
    ],
}


def life_of(scenario: Scenario) -> ImportLife:
    """Make the life of an import that was created without waitOnApprovals."""
    return ImportLife(
        stages=scenario.stages,
        needs_approval=scenario.needs_approval,
        approve_after=scenario.approve_after,
    )


def changes(life: ImportLife, seconds: float) -> list[tuple[float, Status | None]]:
    """List each status with the tenth of a second in which it begins."""
    seen: list[tuple[float, Status | None]] = []
    for tenths in range(round(seconds * 10)):
        # Half a tenth late, so that no sample lies on the edge between two stages.
        status = life.status_at(tenths / 10 + 0.05)
        if not seen or seen[-1][1] is not status:
            seen.append((tenths / 10, status))
    return seen


@pytest.mark.parametrize("name", SCENARIOS)
def test_timeline(name: str) -> None:
    """Each scenario has the timeline that its users know, and nothing after its end."""
    assert changes(life_of(SCENARIOS[name]), 100) == TIMELINES[name]


@pytest.mark.parametrize("name", SCENARIOS)
def test_waits_for_approval_in_any_scenario(name: str) -> None:
    """An import of any scenario can wait, and goes on after the approval as it would have without one."""
    stages = SCENARIOS[name].stages
    waiting = ImportLife(stages=stages, needs_approval=True)
    assert changes(waiting, 100)[-1] == (stages[1].at, Status.PENDING_APPROVAL)
    approved = ImportLife(stages=stages, needs_approval=True, approved_at=50.0)
    late = 50.0 - stages[1].at
    assert changes(approved, 100)[2:] == [(round(stage.at + late, 1), stage.status) for stage in stages[1:]]


def test_somebody_can_approve_before_the_import_is_approved_by_itself() -> None:
    """An early approval counts, whatever approve_after says."""
    stages = SCENARIOS["happy"].stages
    life = ImportLife(stages=stages, needs_approval=True, approve_after=60.0, approved_at=3.0)
    assert life.status_at(3.0) is Status.READY


@pytest.mark.parametrize(("elapsed", "ended"), [(9.9, False), (10.1, True)])
def test_end_of_an_import(*, elapsed: float, ended: bool) -> None:
    """An import stands in the way of others until it is final."""
    assert life_of(SCENARIOS["happy"]).ended_at(elapsed) is ended


def test_demo_shows_every_status_to_a_client_that_asks_once_a_second() -> None:
    """Each status of the demo lasts at least 1.6 seconds."""
    moments = [at for at, _ in TIMELINES["demo"]]
    assert all(end - begin >= 1.6 for begin, end in pairwise(moments))


def test_every_fault_is_met_in_some_scenario() -> None:
    """No fault is dead code."""
    met = {injection.fault for scenario in SCENARIOS.values() for injection in scenario.injections}
    assert met == set(Fault)


def test_rate_limit_counts_in_windows_of_ten_seconds() -> None:
    """A window begins at a multiple of ten seconds of Unix time, and its end is named in milliseconds."""
    limit = RateLimit(2)
    verdicts = [limit.take(now) for now in (1000.0, 1009.0, 1009.99, 1010.0)]
    assert [verdict.allowed for verdict in verdicts] == [True, True, False, True]
    assert [verdict.headers["X-Ratelimit-Global-Remaining"] for verdict in verdicts] == ["1", "0", "0", "1"]
    assert [verdict.headers["X-Ratelimit-Reset"] for verdict in verdicts] == ["1010000"] * 3 + ["1020000"]
    assert {verdict.headers["X-Ratelimit-Global-Limit"] for verdict in verdicts} == {"2"}


def test_a_fault_of_one_status_is_met_in_that_status_alone() -> None:
    """Who comes late meets no fault that belonged to a status which has passed."""
    store = ImportStore(SCENARIOS["demo"], speed=1.0, approve_after=None)
    keys = SegmentKeys("default", "production", "big-spenders")
    read = store.create(keys, Upload(filename="keys.csv", mode="merge", wait_on_approvals=False))
    statuses = [Status.PREPARING, Status.PREPARING, Status.IN_PROGRESS, Status.IN_PROGRESS, Status.COMPLETE]
    met = [store.next_fault(read, status) for status in statuses]
    assert met == [None, Fault.BAD_GATEWAY, None, Fault.THROTTLED_ADDRESS, None]
