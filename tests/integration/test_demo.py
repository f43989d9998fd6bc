"""Tests of the demo."""

from __future__ import annotations

import re

import pytest

from tests.support.processes import Finished, environment, finish, run_watcher, start_watcher

DEMOS = {
    "plain": ("--demo",),
    "stopped": ("--demo=stopped", "--output", "json"),
    "approval": ("--demo=approval", "--min-interval", "200ms"),
}


def test_the_demos() -> None:
    """The demos, which run at the same time, end as they say."""
    env = {"LD_BASE_URI": "https://ignored.example"}
    processes = {name: start_watcher(*arguments, env=env) for name, arguments in DEMOS.items()}
    ended = {name: finish(process) for name, process in processes.items()}
    check_the_plain_demo(ended["plain"])
    assert ended["stopped"].code == 3
    assert ended["stopped"].result["outcome"] == "stopped"
    assert ended["approval"].code == 0
    assert "must be approved and applied in LaunchDarkly" in ended["approval"].err


def check_the_plain_demo(plain: Finished) -> None:
    """Check that it shows all transitions, a rate limit and a fault, and ends with 0 within 20 seconds."""
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


@pytest.mark.parametrize(("value", "code"), [("yes", 8), ("0", 2)])
def test_its_variable_is_also_a_switch(value: str, code: int) -> None:
    """WATCHER_DEMO accepts the values of a switch."""
    assert run_watcher("--once", env=environment(WATCHER_DEMO=value)).code == code
