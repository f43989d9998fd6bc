"""Hints at misspelt variables."""

import pytest

from watcher.cli.misspelt import hints_at_misspelt
from watcher.cli.parse import variables


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("WATCHER_TIMEOT", "WATCHER_TIMEOUT"),
        ("WATCHER_FAILFAST", "WATCHER_FAIL_FAST"),
        ("WATCHER_FAIL_FST", "WATCHER_FAIL_FAST"),
        ("WATCHER_FAILS_ON", "WATCHER_FAIL_ON"),
        ("WATCHER_OUTAGE_BUGDET", "WATCHER_OUTAGE_BUDGET"),
    ],
)
def test_a_slip_is_hinted_at(name: str, meant: str) -> None:
    """A limit that is not in force is worse than one that is refused."""
    (hint,) = hints_at_misspelt({name, "PATH"}, variables())
    assert hint == f"{name} is set, but no option has that variable; did you mean {meant}?"


@pytest.mark.parametrize(
    "name",
    [
        *sorted(variables()),
        "WATCHER_OUTCOME",
        "WATCHER_LAST_STATUS",
        "WATCHER_RESULT_CODE",
        "WATCHER_RESULT_JSON",
        "WATCHER_PACKAGE",
        "WATCHER_PORT",
        "WATCHER_SERVICE_HOST",
        "WATCHER_PORT_8080_TCP_ADDR",
        "TIMEOT",
    ],
)
def test_what_others_set_is_left_alone(name: str) -> None:
    """Options, what a command inherits from a watch, and what Kubernetes makes of a service's name."""
    assert not list(hints_at_misspelt({name}, variables()))
