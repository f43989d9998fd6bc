"""Settings: defaults that depend on each other, and options that contradict each other."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from pathlib import Path

import pytest

from watcher.cli.file_conflicts import check_distinct_files
from watcher.cli.options import COMMAND
from watcher.cli.settings import Settings
from watcher.cli.values import PATH
from watcher.core.errors import UsageError
from watcher.core.statuses import ImportStatus

STATE = Path("state.json")


@pytest.mark.parametrize(
    ("given", "bounds"),
    [
        ({}, (1.0, 25.0)),
        ({"min_interval": 60.0}, (60.0, 60.0)),
        ({"max_interval": 0.5}, (0.5, 0.5)),
        ({"min_interval": 2.0, "max_interval": 3.0}, (2.0, 3.0)),
    ],
)
def test_one_bound_moves_the_default_of_the_other(
    given: dict[str, float], bounds: tuple[float, float]
) -> None:
    """A bound that is given alone never crosses the default of the other."""
    shortest, longest = given.get("min_interval"), given.get("max_interval")
    policy = Settings(min_interval=shortest, max_interval=longest).terms().policy
    assert (policy.min_interval, policy.max_interval) == bounds


def test_zero_means_no_limit() -> None:
    """A limit of 0 is lifted."""
    terms = Settings(timeout=0.0, outage_budget=0.0, request_timeout=0.0, heartbeat=0.0).terms()
    policy = terms.policy
    assert {policy.timeout, policy.outage_budget, terms.request_timeout, terms.heartbeat} == {math.inf}


def test_a_single_poll_has_its_own_defaults() -> None:
    """A single poll has no timeout, and retries faults for half a minute."""
    policy = Settings(once=True).terms().policy
    assert (policy.timeout, policy.outage_budget) == (math.inf, 30.0)


@pytest.mark.parametrize(("outage_budget", "longest"), [(None, 30.0), (3.0, 3.0), (0.0, math.inf)])
def test_a_single_poll_that_hangs_ends(outage_budget: float | None, longest: float) -> None:
    """Without a limit of its own, the request of a single poll takes as long as an outage at most."""
    terms = Settings(once=True, request_timeout=0.0, outage_budget=outage_budget).terms()
    assert terms.request_timeout == longest


@pytest.mark.parametrize("path", [None, STATE])
def test_a_wait_with_a_state_file_is_remembered(path: Path | None) -> None:
    """The rules of the wait depend on whether a later run continues it."""
    assert Settings(state_file=path).terms().policy.remembered is (path is not None)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(fail_on=(ImportStatus.COMPLETE,)), "--fail-on complete contradicts"),
        (Settings(min_interval=0.0), "--min-interval must be more than 0"),
        (Settings(max_interval=0.0), "--max-interval must be more than 0"),
        (Settings(min_interval=2.0, max_interval=1.0), "longer than --max-interval"),
        (Settings(linger=True), "--linger needs --listen"),
    ],
)
def test_contradictions_are_refused(settings: Settings, words: str) -> None:
    """Options that contradict each other are refused, and the message names them."""

    def check() -> None:
        settings.check(has_command=False)
        settings.terms()

    with pytest.raises(UsageError, match=words):
        check()


def test_lingering_and_a_command_exclude_each_other() -> None:
    """A process that is replaced by a command cannot keep serving."""
    settings = Settings(linger=True, listen=("127.0.0.1", 0))
    settings.check(has_command=False)
    with pytest.raises(UsageError, match="--linger serves after the end"):
        settings.check(has_command=True)


def test_every_option_is_a_setting() -> None:
    """Each option has the field of its name, and there are no other fields."""
    options = {parameter.name for parameter in COMMAND.params if parameter.expose_value}
    assert options == {field.name for field in fields(Settings)} - {"given"}


@pytest.mark.parametrize("name", [option.name for option in COMMAND.params if option.type is PATH])
def test_every_file_has_one_purpose(name: str, tmp_path: Path) -> None:
    """Every option that names a file is protected from reports that would overwrite it."""
    file = tmp_path / "file"
    other = "dotenv" if name == "status_file" else "status_file"
    settings = replace(Settings(), **{name: file, other: file})  # type: ignore[arg-type]  # paths
    with pytest.raises(UsageError, match="Name another file"):
        check_distinct_files(settings)
