"""The scenarios: their timelines, approvals and faults."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from watcher.simulator.faults import Fault
from watcher.simulator.scenarios import FINAL, SCENARIOS, Scenario

TIMELINES: dict[str, list[tuple[float, str]]] = {
    "happy": [(0.0, "preparing"), (2.5, "ready"), (5.0, "in_progress"), (10.0, "complete")],
    "approval": [(0.0, "preparing"), (2.5, "pending_approval")],
    "stopped": [(0.0, "preparing"), (2.5, "ready"), (5.0, "in_progress"), (8.0, "stopped")],
    "stuck": [(0.0, "preparing"), (2.5, "ready"), (5.0, "in_progress")],
    "throttled": [(0.0, "preparing"), (4.0, "ready"), (8.0, "in_progress"), (15.0, "complete")],
    "flaky": [(0.0, "preparing"), (4.0, "ready"), (8.0, "in_progress"), (15.0, "complete")],
    "gateway": [(0.0, "preparing"), (4.0, "ready"), (8.0, "in_progress"), (15.0, "complete")],
    "vanish": [(0.0, "preparing"), (2.5, "ready"), (5.0, "gone")],
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


def changes(
    scenario: Scenario, seconds: float = 100.0, approved_at: float | None = None
) -> list[tuple[float, str]]:
    """Return each status with the tenth of a second in which it starts."""
    seen: list[tuple[float, str]] = []
    for tenths in range(round(seconds * 10)):
        # Half a tenth late, so that no sample is on the edge between two stages.
        status = scenario.status_at(tenths / 10 + 0.05, approved_at)
        if not seen or seen[-1][1] != status:
            seen.append((tenths / 10, status))
    return seen


@pytest.mark.parametrize("name", SCENARIOS)
def test_timeline(name: str) -> None:
    """Each scenario has its documented timeline, and nothing after its end."""
    assert changes(SCENARIOS[name]) == TIMELINES[name]


@pytest.mark.parametrize("name", SCENARIOS)
def test_an_import_of_any_scenario_can_wait_for_approval(name: str) -> None:
    """An import of any scenario can wait for approval, which delays all later statuses."""
    waiting = replace(SCENARIOS[name], needs_approval=True, approve_after=None)
    _, *later = waiting.stages
    assert changes(waiting)[-1] == (later[0].at, "pending_approval")
    delay = 50.0 - later[0].at
    assert changes(waiting, approved_at=50.0)[2:] == [
        (round(stage.at + delay, 1), stage.status) for stage in later
    ]


def test_an_approval_comes_before_the_automatic_one() -> None:
    """An approval takes effect at once, even if approve_after is later."""
    scenario = replace(SCENARIOS["happy"], needs_approval=True, approve_after=60.0)
    assert scenario.status_at(3.0, approved_at=3.0) == "ready"


@pytest.mark.parametrize(("elapsed", "is_final"), [(9.9, False), (10.1, True)])
def test_an_import_is_final_at_its_last_stage(*, elapsed: float, is_final: bool) -> None:
    """An import of the happy scenario is final from the start of `complete`."""
    assert (SCENARIOS["happy"].status_at(elapsed) in FINAL) is is_final


def test_a_client_that_polls_once_a_second_sees_every_status_of_the_demo() -> None:
    """Each status of the demo lasts at least 1.6 seconds."""
    moments = [at for at, _ in TIMELINES["demo"]]
    assert all(end - begin >= 1.6 for begin, end in pairwise(moments))


def test_every_fault_is_part_of_a_scenario() -> None:
    """No fault is unused."""
    met = {injection.fault for scenario in SCENARIOS.values() for injection in scenario.injections}
    assert met == set(Fault)
