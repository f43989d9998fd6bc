"""The README's comparison of watcher with shell loops is true."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.docs.loops import FOLDER, SCENARIOS, WAITERS, Ending, run_waiter
from tests.support.paths import README

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import StartSimulator

needs_programs = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl", "jq"))), reason="bash, curl or jq is not installed"
)
NEVER = 4.0
"""Seconds after which a loop is said to never end; at this speed, imports end within one second."""


def row(scenario: str) -> list[str]:
    """Return how each command ends according to the README's table."""
    (line,) = re.findall(rf"^\| `{scenario}`:.*$", README.read_text("utf-8"), re.MULTILINE)
    return [cell.strip(" *") for cell in line.strip("|").split("|")[1:]]


@needs_programs
@pytest.mark.parametrize("name", list(WAITERS))
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_command_ends_as_the_table_says(
    start_simulator: StartSimulator, tmp_path: Path, scenario: str, name: str
) -> None:
    """The exit code of each command in each scenario, or that it never ends, is the table's."""
    said = row(scenario)[list(WAITERS).index(name)]
    never = said.startswith(("never ends", "exit code 124"))
    # At a higher speed, a flaky import would end while curl pauses, before the connections drop.
    played = "happy" if scenario == "revoked" else scenario
    simulator = start_simulator(played, speed=1.0 if scenario == "flaky" else 20.0)
    sleep = tmp_path / "sleep"
    sleep.write_text("#!/bin/sh\nexec /bin/sleep 0.5\n")
    sleep.chmod(0o755)
    ending = run_waiter(
        name, scenario, simulator, tmp_path, limit=NEVER if never else 90.0, path=str(tmp_path)
    )
    assert said.startswith(str(ending)), ending


def test_the_readme_shows_the_loop() -> None:
    """The loop in the README is the one that was measured, and the other one is linked."""
    *_, loop = (FOLDER / "until.sh").read_text("utf-8").splitlines()
    text = README.read_text("utf-8")
    assert f"```sh\n{loop}\n```" in text
    assert "(tests/docs/loops/fifteen.sh)" in text


def test_an_ending_is_written_as_in_the_table() -> None:
    """A command that was stopped never ends."""
    assert str(Ending(None, 60.0, "")) == "never ends"
    assert str(Ending(22, 1.0, "")) == "exit code 22"
