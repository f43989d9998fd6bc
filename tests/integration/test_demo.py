"""Tests of the demo."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.processes import Finished, environment, finish, run_watcher, start_watcher

if TYPE_CHECKING:
    from collections.abc import Mapping

DEMOS = {
    "plain": ("--demo",),
    "stopped": ("--demo=stopped", "--output", "json"),
    "approval": ("--demo=approval", "--min-interval", "200ms"),
}


@pytest.fixture(scope="module")
def demos() -> Mapping[str, Finished]:
    """Run all demos at the same time."""
    env = {"LD_BASE_URI": "https://ignored.example"}
    processes = {name: start_watcher(*arguments, env=env) for name, arguments in DEMOS.items()}
    return {name: finish(process) for name, process in processes.items()}


def test_the_plain_demo(demos: Mapping[str, Finished]) -> None:
    """The demo shows all transitions, a rate limit and a fault, and ends with 0 within 20 seconds."""
    plain = demos["plain"]
    assert plain.code == 0
    (spent,) = re.findall(r" (\d+(?:\.\d+)?)s \d+ polls\n", plain.out)
    assert float(spent) < 20
    for step in (
        " preparing\n",
        "preparing -> pending_approval",
        "pending_approval -> ready",
        "ready -> in_progress",
        "in_progress -> complete",
    ):
        assert step in plain.err
    assert plain.err.count("(429)") == 1  # an import ID may contain 429
    assert plain.err.count("HTTP 502") == 1


def test_the_demo_of_a_stop(demos: Mapping[str, Finished]) -> None:
    """--demo=stopped ends with 3."""
    assert demos["stopped"].code == 3
    assert demos["stopped"].result["outcome"] == "stopped"


def test_the_demo_of_an_approval(demos: Mapping[str, Finished]) -> None:
    """--demo=approval waits and is then approved."""
    assert demos["approval"].code == 0
    assert "must be approved and applied in LaunchDarkly" in demos["approval"].err


@pytest.mark.parametrize(("value", "code"), [("yes", 8), ("0", 2)])
def test_its_variable_is_also_a_switch(value: str, code: int) -> None:
    """WATCHER_DEMO accepts the values of a switch."""
    assert run_watcher("--once", env=environment(WATCHER_DEMO=value)).code == code
