"""Waits that move between processes, over real HTTP; they do not need Airflow."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.processes import TOKEN, Simulator
from tests.support.simulator_client import FROZEN
from watcher.airflow.waits import Memory, Wait, failure, path_of
from watcher.core.errors import UsageError
from watcher.core.events import Changed, Ended, Watching
from watcher.core.policy import Policy
from watcher.core.statuses import ImportStatus, Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.processes import StartSimulator
    from watcher.core.events import Event

POLICY = Policy(timeout=60, min_interval=0.04, max_interval=0.15)


async def token() -> str:
    """Return the token that the simulator accepts."""
    return TOKEN


def wait(simulator: Simulator, *targets: str, memory: Memory | None = None) -> Wait:
    """Return a wait for these targets."""
    return Wait(targets, POLICY, token, simulator.base_uri, Memory() if memory is None else memory)


def play(events: AsyncGenerator[Event, None], *, until: str | None = None) -> list[Event]:
    """Return the events, up to the transition to a status if it is given."""

    async def read() -> list[Event]:
        seen: list[Event] = []
        async with aclosing(events):
            async for event in events:
                seen.append(event)
                if isinstance(event, Changed) and event.transition.to == until:
                    break
        return seen

    return asyncio.run(read())


def copy(memory: Memory) -> Memory:
    """Return the memory as another process reads it."""
    stored = json.loads(json.dumps({"states": memory.states, "ended": memory.ended}))
    restored = Memory.restored(stored)
    assert restored is not None
    return restored


def test_the_first_look_leaves_an_import_that_is_not_final(start_simulator: StartSimulator) -> None:
    """It shows the goal of the whole wait and the status, and asks once."""
    simulator = start_simulator(speed=FROZEN)
    look = wait(simulator, simulator.create())
    watching, changed = play(look.poll_once())
    assert isinstance(watching, Watching)
    assert watching.goal == "until complete, for at most 1m"
    assert isinstance(changed, Changed)
    assert changed.transition.to == "preparing"
    assert look.memory.waiting(look.targets) == list(look.targets)
    assert not look.memory.ended


def test_the_first_look_ends_a_final_import(start_simulator: StartSimulator) -> None:
    """A final import needs no trigger."""
    simulator = start_simulator("stopped", speed=10_000)
    target = simulator.create()
    play(wait(simulator, target).follow())
    look = wait(simulator, target)
    assert isinstance(play(look.poll_once())[-1], Ended)
    assert not look.memory.waiting([target])
    assert look.memory.results([target])[0]["outcome"] == "stopped"


def test_a_new_import_may_not_exist_yet(start_simulator: StartSimulator) -> None:
    """A 404 at the first look is no end and no error, because the patience has just begun."""
    simulator = start_simulator()
    look = wait(simulator, f"{simulator.create()[:-4]}0000")
    ended = play(look.poll_once())[-1]
    assert not look.memory.ended
    line = look.line(ended)
    assert line is not None
    assert line[0] < logging.ERROR
    assert line[1].startswith("no such import yet: HTTP 404")


def test_a_server_that_does_not_respond_is_no_end_of_the_first_look() -> None:
    """The trigger has the whole outage budget, so the worker does not use it up."""
    nobody = Simulator("http://127.0.0.1:9")
    look = wait(nobody, "default/production/big-spenders/1")
    look = replace(look, policy=replace(POLICY, outage_budget=0.1))
    ended = play(look.poll_once())[-1]
    assert isinstance(ended, Ended)
    assert ended.outcome is Outcome.UNAVAILABLE
    assert look.memory.waiting(look.targets)
    line = look.line(ended)
    assert line is not None
    assert line[0] == logging.WARNING


def test_another_process_continues(start_simulator: StartSimulator) -> None:
    """Clocks continue, no transition is shown twice, and the result has all of them."""
    simulator = start_simulator("happy")
    target = simulator.create()
    first = wait(simulator, target)
    before = play(first.follow(), until="in_progress")
    second = wait(simulator, target, memory=copy(first.memory))
    after = play(second.follow())
    assert not any(isinstance(event, Watching) for event in after)
    shown = [event.transition.to for event in before + after if isinstance(event, Changed)]
    (result,) = second.memory.results([target])
    transitions = result["transitions"]
    assert isinstance(transitions, list)
    assert [one["to"] for one in transitions] == shown
    assert len(set(shown)) == len(shown)
    assert after[-1].progress.elapsed > before[-1].progress.elapsed
    assert after[-1].progress.polls > before[-1].progress.polls


def test_what_ended_in_an_earlier_process_is_not_asked_for_again(start_simulator: StartSimulator) -> None:
    """Results are kept, and only the other imports are watched."""
    simulator = start_simulator("happy", speed=1000)
    targets = [simulator.create(environment) for environment in ("test", "production")]
    first = wait(simulator, targets[0])
    play(first.follow())
    both = wait(simulator, *targets, memory=copy(first.memory))
    assert {event.ref.environment for event in play(both.follow())} == {"production"}
    assert [result["environment"] for result in both.memory.results(targets)] == ["test", "production"]
    assert not play(wait(simulator, *targets, memory=both.memory).follow())


def test_a_state_of_another_version_begins_anew(start_simulator: StartSimulator) -> None:
    """An upgrade during a wait does not fail it."""
    simulator = start_simulator("happy", speed=1000)
    target = simulator.create()
    memory = Memory({path_of(target): '{"program": "watcher", "version": 99}'})
    assert isinstance(play(wait(simulator, target, memory=memory).follow())[-1], Ended)


@pytest.mark.parametrize("stored", [None, [], {"states": 1}, {"states": {}, "ended": {"/": "complete"}}])
def test_foreign_memory_is_ignored(stored: object) -> None:
    """Nothing but a memory is read, because XComs may be changed by others."""
    assert Memory.restored(stored) is None


def test_lines_name_the_import_if_there_are_several(start_simulator: StartSimulator) -> None:
    """One import's log is not cluttered with its keys."""
    simulator = start_simulator(speed=FROZEN)
    targets = [simulator.create(environment) for environment in ("test", "production")]
    one, two = wait(simulator, targets[0]), wait(simulator, *targets)
    assert [text for _, text in filter(None, map(one.line, play(one.poll_once())))][1:] == ["preparing"]
    lines = [text for _, text in filter(None, map(two.line, play(two.poll_once())))]
    assert sorted(line.partition(": ")[2] for line in lines if ": " in line) == ["preparing", "preparing"]


def test_the_connection_decides_where_the_token_goes() -> None:
    """A target on another host is refused before any request."""
    other = wait(Simulator("http://127.0.0.1:9"), "https://example.com/api/v2/segments/a/b/c/imports/d")
    with pytest.raises(UsageError, match=r"sent only to http://127\.0\.0\.1:9"):
        play(other.poll_once())


def test_the_worst_outcome_decides() -> None:
    """Every failure is explained, and the lowest exit code decides, as on the command line."""

    def result(outcome: Outcome) -> dict[str, object]:
        return {"target": f"a/b/c/{outcome}", "outcome": outcome.value, "message": "…"}

    assert failure([result(Outcome.COMPLETE), result(Outcome.REACHED)]) is None
    failed = failure([result(Outcome.UNAVAILABLE), result(Outcome.COMPLETE), result(Outcome.STOPPED)])
    assert failed == (Outcome.STOPPED, "a/b/c/unavailable: …\na/b/c/stopped: …")


def test_a_policy_survives_as_trigger_argument() -> None:
    """All settings of the sensor can be written as JSON and read again."""
    policy = Policy(
        until=ImportStatus.READY,
        fail_on=frozenset({ImportStatus.PENDING_APPROVAL}),
        max_in_state={ImportStatus.PREPARING: 60.0},
        outage_budget=float("inf"),
    )
    assert Policy.from_dict(json.loads(json.dumps(policy.to_dict()))) == policy
