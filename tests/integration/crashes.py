"""Kill waits at random moments and resume them: ``python -m tests.integration.crashes --waits 100``."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.support.processes import FAST, Simulator, environment, serving, start_watcher

ORDER = ("preparing", "ready", "in_progress", "complete")
"""The statuses of an import in the scenario ``happy``."""

USUAL_START = 0.1
"""Seconds that the program takes to start."""


@dataclass(slots=True)
class Wait:
    """One wait in several processes.

    Attributes:
        reported: The new status of each transition on standard error.
        kills: How many processes were killed.
        began: When the wait began according to the state file after each process, in whole seconds.
        result: The import's part of the last process's result.
    """

    reported: list[str] = field(default_factory=list)
    kills: int = 0
    began: set[int] = field(default_factory=set)
    result: dict[str, object] = field(default_factory=dict)


def play(simulator: Simulator, folder: Path, chance: Random, kills: int, lifetime: float) -> Wait:
    """Kill one wait again and again, then let it end.

    Args:
        simulator: A simulator with the scenario ``happy``.
        folder: An empty directory for the state file.
        chance: Decides when to kill.
        kills: How many processes to kill, unless the import is complete before.
        lifetime: Seconds after the usual start within which a process is killed.

    Returns:
        The wait, which is complete.
    """
    target, state, wait = simulator.create(), folder / "state", Wait()
    command = [target, *FAST, "--state-file", str(state), "--output", "json", "--log-format", "json"]
    while True:
        process = start_watcher(*command, env=environment(simulator.base_uri))
        if wait.kills < kills:
            time.sleep(chance.uniform(0.5, 1) * USUAL_START + chance.uniform(0, lifetime))
            process.kill()
        out, err = process.communicate(timeout=60)
        wait.reported += [event["to"] for event in events_of(err) if event["event"] == "transition"]
        assert not [event for event in events_of(err) if event["event"] == "state_file"], err
        if state.exists():
            wait.began.add(round(json.loads(state.read_bytes())["imports"][0]["wait"]["began"]))
        if process.returncode == 0:
            wait.result = json.loads(out)["imports"][0]
            return wait
        assert process.returncode == -9, err
        wait.kills += 1


def events_of(err: str) -> list[dict[str, str]]:
    """Return the events on standard error; a killed process may leave an unfinished line."""
    return [json.loads(line) for line in err.splitlines(keepends=True) if line.endswith("\n")]


def check(wait: Wait) -> None:
    """Check that no kill lost, repeated or restarted anything."""
    transitions = wait.result["transitions"]
    assert isinstance(transitions, list)
    reached = [transition["to"] for transition in transitions]
    assert len(wait.reported) == len(set(wait.reported)), f"reported twice: {wait.reported}"
    assert [status for status in reached if status in wait.reported] == wait.reported, (
        f"{wait.reported} of {reached}"
    )
    assert [status for status in ORDER if status in reached] == reached
    assert reached[-1] == wait.result["status"] == "complete"
    assert max(wait.began, default=0) - min(wait.began, default=0) <= 1, f"started anew: {wait.began}"


def main() -> None:
    """Play as many waits as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waits", type=int, default=10)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    kills = 0
    with serving("happy", 0.5, None) as simulator:
        for seed in range(arguments.seed, arguments.seed + arguments.waits):
            with TemporaryDirectory() as folder:
                wait = play(simulator, Path(folder), Random(seed), arguments.kills, 0.8)
            check(wait)
            kills += wait.kills
            print(f"seed {seed}: {wait.kills} kills, reported {', '.join(wait.reported)}")  # noqa: T201 (a command)
    print(f"{arguments.waits} waits, {kills} kills: nothing lost, nothing reported twice")  # noqa: T201 (likewise)


if __name__ == "__main__":
    main()
