"""The README's comparison of watcher with shell loops is true."""

from __future__ import annotations

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
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
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_command_ends_as_the_table_says(
    start_simulator: StartSimulator, tmp_path: Path, scenario: str
) -> None:
    """The exit code of each command in each scenario, or that it never ends, is the table's."""
    # At a higher speed, a flaky import would end while curl pauses, before the connections drop.
    played = "happy" if scenario == "revoked" else scenario
    speed = 1.0 if scenario == "flaky" else 20.0
    simulators = {name: start_simulator(played, speed=speed) for name in WAITERS}
    sleep = tmp_path / "sleep"
    sleep.write_text("#!/bin/sh\nexec /bin/sleep 0.5\n")
    sleep.chmod(0o755)
    said = dict(zip(WAITERS, row(scenario), strict=True))

    def run(name: str) -> Ending:
        limit = NEVER if said[name].startswith(("never ends", "exit code 124")) else 90.0
        return run_waiter(name, scenario, simulators[name], tmp_path, limit=limit, path=str(tmp_path))

    with ThreadPoolExecutor() as threads:  # at the same time, because they mostly sleep
        endings = dict(zip(WAITERS, threads.map(run, WAITERS), strict=True))
    assert {name for name in WAITERS if not said[name].startswith(str(endings[name]))} == set(), endings


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
