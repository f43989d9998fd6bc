"""Hints at likely mistakes."""

import pytest

from watcher.api.token import Secret
from watcher.cli.hints import find_hints, misspelled_variables
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
def test_a_misspelled_variable_gets_a_hint(name: str, meant: str) -> None:
    """A variable that is almost an option's is reported, because a limit may be missing."""
    (hint,) = misspelled_variables({name, "PATH"}, variables())
    assert hint == f"{name} is not an option's variable. Did you mean {meant}?"


@pytest.mark.parametrize(
    "name",
    [
        *sorted(variables()),
        "WATCHER_OUTCOME",
        "WATCHER_LAST_STATUS",
        "WATCHER_RESULT_CODE",
        "WATCHER_RESULT_JSON",
        "WATCHER_SOURCE",
        "WATCHER_PORT",
        "WATCHER_SERVICE_HOST",
        "WATCHER_PORT_8080_TCP_ADDR",
        "TIMEOT",
    ],
)
def test_variables_of_others_get_no_hint(name: str) -> None:
    """Options, the variables of a command after a watch, and those that Kubernetes injects get no hint."""
    assert not list(misspelled_variables({name}, variables()))


def test_another_kind_of_key_gets_a_hint() -> None:
    """An SDK key is named as such, and not repeated."""
    (hint,) = find_hints(Secret("sdk-1"), set())
    assert "SDK key" in hint
    assert "sdk-1" not in hint
