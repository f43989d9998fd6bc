"""Kills waits at random instants and takes them up: ``python -m tests.integration.crashes --waits 100``."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.support.processes import FAST, Simulator, environment, serving

ORDER = ("preparing", "ready", "in_progress", "complete")
"""The life of an import in the scenario ``happy``."""

USUAL_START = 0.4
"""Seconds that the program takes to begin."""


@dataclass(slots=True)
class Wait:
    """One wait, however many processes it took.

    Attributes:
        told: The statuses that transitions led to, as standard error told them.
        kills: How many processes were killed.
        beginnings: When the wait began, as the state file said after each kill.
        result: The import's part of the last process's result.
    """

    told: list[str] = field(default_factory=list)
    kills: int = 0
    beginnings: set[str] = field(default_factory=set)
    result: dict[str, object] = field(default_factory=dict)


def play(simulator: Simulator, folder: Path, chance: Random, kills: int, lifetime: float) -> Wait:
    """Kills one wait again and again, then lets it end.

    Args:
        simulator: Plays the scenario ``happy``.
        folder: Where the state file goes; it is empty.
        chance: Decides the instants.
        kills: How many processes are killed, if the import does not end before.
        lifetime: Seconds after its usual start within which a process is killed.

    Returns:
        What was seen of it.
    """
    target, state, wait = simulator.create(), folder / "state", Wait()
    command = [sys.executable, "-m", "watcher", target, *FAST, "--state-file", str(state)]
    command += ["--output", "json", "--log-format", "json"]
    while True:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(simulator.base_uri),
        )
        if wait.kills < kills:
            time.sleep(chance.uniform(0.5, 1) * USUAL_START + chance.uniform(0, lifetime))
            process.kill()
        out, err = process.communicate(timeout=60)
        wait.told += [event["to"] for event in events_of(err) if event["event"] == "transition"]
        assert not [event for event in events_of(err) if event["event"] == "state_file"], err
        if state.exists():
            wait.beginnings.add(json.loads(state.read_bytes())["state"]["imports"][0]["began"])
        if process.returncode == 0:
            wait.result = json.loads(out)["imports"][0]
            return wait
        assert process.returncode == -9, err
        wait.kills += 1


def events_of(err: bytes) -> list[dict[str, str]]:
    """The events on standard error; a killed process may leave half a line."""
    return [json.loads(line) for line in err.splitlines(keepends=True) if line.endswith(b"\n")]


def check(wait: Wait) -> None:
    """Checks that kills lost, repeated and reset nothing.

    Args:
        wait: A wait that has ended.
    """
    transitions = wait.result["transitions"]
    assert isinstance(transitions, list)
    reached = [transition["to"] for transition in transitions]
    assert len(wait.told) == len(set(wait.told)), f"told twice: {wait.told}"
    assert [status for status in reached if status in wait.told] == wait.told, f"{wait.told} of {reached}"
    assert [status for status in ORDER if status in reached] == reached
    assert reached[-1] == wait.result["status"] == "complete"
    assert len({moment[:19] for moment in wait.beginnings}) <= 1, f"begun anew: {wait.beginnings}"


def main() -> None:
    """Plays as many waits as the command line says."""
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
            print(f"seed {seed}: {wait.kills} kills, told {', '.join(wait.told)}")  # noqa: T201 (a command)
    print(f"{arguments.waits} waits, {kills} kills: nothing lost, nothing told twice")  # noqa: T201 (likewise)


if __name__ == "__main__":
    main()
