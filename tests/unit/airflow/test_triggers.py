"""The trigger, with Airflow; skipped where it is not installed."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("airflow.sdk", reason="Airflow is not installed: pip install '.[airflow]'")

from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import ErrorResponse, GetXCom, SetXCom, XComResult

from tests.support.processes import TOKEN
from watcher.airflow import triggers
from watcher.airflow.triggers import STATE_KEY, LaunchDarklyImportTrigger
from watcher.core.policy import Policy

if TYPE_CHECKING:
    from tests.support.processes import Simulator, StartSimulator

# Airflow 3.1 imports its own deprecated names.
POLICY = Policy(timeout=60, min_interval=0.04, max_interval=0.15)
SHORTEST = triggers.MINIMUM_DELAY
OWNER = {"dag_id": "dag", "task_id": "wait", "run_id": "run", "map_index": -1}


class Supervisor:
    """The XComs of one task instance, in place of Airflow's supervisor."""

    def __init__(self) -> None:
        self.stored: dict[str, object] = {}
        self.log: list[str] = []
        self.logged, self.warned = asyncio.Event(), asyncio.Event()

    def write(self, level: int, _: str, text: str) -> None:
        """Note a line of the task's log."""
        self.log.append(f"{logging.getLevelName(level)} {text}")
        if " -> " in text:
            self.logged.set()
        if level >= logging.WARNING:
            self.warned.set()

    def send(self, msg: object) -> object:
        """Answer a request as the supervisor does."""
        if isinstance(msg, SetXCom):
            self.stored[msg.key] = msg.value
            self.log.append("XCom")
        if isinstance(msg, GetXCom):
            return XComResult(key=msg.key, value=self.stored.get(msg.key))
        return None


@pytest.fixture
def supervisor(monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    """Store XComs, and note the order of XComs and log lines."""
    it = Supervisor()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", it, raising=False)
    monkeypatch.setattr(triggers, "MINIMUM_DELAY", 0.0)
    log = SimpleNamespace(log=it.write, warning=lambda text, *values: it.write(30, "%s", text % values))
    monkeypatch.setattr(LaunchDarklyImportTrigger, "log", log)
    return it


def connect(monkeypatch: pytest.MonkeyPatch, simulator: Simulator, token: str = TOKEN) -> None:
    """Create the connection."""
    connection = {"conn_type": "launchdarkly", "host": simulator.base_uri, "password": token}
    monkeypatch.setenv("AIRFLOW_CONN_LAUNCHDARKLY_DEFAULT", json.dumps(connection))


def trigger(*targets: str, policy: Policy = POLICY) -> LaunchDarklyImportTrigger:
    """Return a trigger as a triggerer makes it from its arguments."""
    made = LaunchDarklyImportTrigger(
        targets=targets, launchdarkly_conn_id="launchdarkly_default", policy=policy.to_dict()
    )
    return again(made)


def again(made: LaunchDarklyImportTrigger) -> LaunchDarklyImportTrigger:
    """Return the trigger that another triggerer makes from the arguments of this one."""
    path, arguments = made.serialize()
    assert path == "watcher.airflow.triggers.LaunchDarklyImportTrigger"
    text = json.dumps(arguments)
    assert TOKEN not in text
    copy = LaunchDarklyImportTrigger(**json.loads(text))
    assert copy.serialize() == (path, arguments)
    copy.task_instance = SimpleNamespace(**OWNER)
    return copy


async def fire(one: LaunchDarklyImportTrigger) -> dict[str, object]:
    """Run a trigger and return the payload of its only event."""
    (event,) = [event async for event in one.run()]
    payload: dict[str, object] = event.payload
    assert TOKEN not in json.dumps(payload)
    return payload


def test_a_trigger_fires_the_results(
    monkeypatch: pytest.MonkeyPatch, start_simulator: StartSimulator, supervisor: Supervisor
) -> None:
    """The payload is JSON with the import's part of the result."""
    simulator = start_simulator("happy")
    connect(monkeypatch, simulator)
    ended = asyncio.run(fire(trigger(simulator.create())))["ended"]
    assert isinstance(ended, dict)
    assert [result["outcome"] for result in ended.values()] == ["complete"]
    assert "INFO preparing" in supervisor.log


def test_the_state_is_stored_before_a_transition_is_logged(
    monkeypatch: pytest.MonkeyPatch, start_simulator: StartSimulator, supervisor: Supervisor
) -> None:
    """A triggerer that is killed in between loses no transition, and none is logged twice."""
    simulator = start_simulator("happy")
    connect(monkeypatch, simulator)
    asyncio.run(fire(trigger(simulator.create())))
    lines = [number for number, entry in enumerate(supervisor.log) if " -> " in entry]
    assert lines
    assert all(supervisor.log[number - 1] == "XCom" for number in lines)
    assert TOKEN not in json.dumps(supervisor.stored)


def test_another_triggerer_continues(
    monkeypatch: pytest.MonkeyPatch, start_simulator: StartSimulator, supervisor: Supervisor
) -> None:
    """After the first one has died, each transition is logged once, and the clock has continued."""
    simulator = start_simulator("happy", speed=10)
    connect(monkeypatch, simulator)
    first = trigger(simulator.create())

    async def die() -> None:
        task = asyncio.create_task(fire(first))
        await supervisor.logged.wait()
        task.cancel()
        await asyncio.wait([task])

    began = time.monotonic()
    asyncio.run(die())
    ended = asyncio.run(fire(again(first)))["ended"]
    took = time.monotonic() - began
    assert isinstance(ended, dict)
    (result,) = ended.values()
    assert result["elapsed_s"] <= took
    assert result["elapsed_s"] >= sum(one["in_state_s"] or 0 for one in result["transitions"]) - 0.1
    transitions = [entry for entry in supervisor.log if " -> " in entry]
    assert len(transitions) == len(set(transitions)) == len(result["transitions"]) - 1
    assert sum("watching" in entry for entry in supervisor.log) == 1


def test_a_trigger_that_died_before_it_fired_asks_nothing(
    monkeypatch: pytest.MonkeyPatch, start_simulator: StartSimulator, supervisor: Supervisor
) -> None:
    """The next one fires the same event from the XCom, and logs nothing."""
    simulator = start_simulator("happy", speed=1000)
    connect(monkeypatch, simulator)
    one = trigger(simulator.create())
    payload = asyncio.run(fire(one))
    supervisor.log.clear()
    connect(monkeypatch, simulator, token="api-that-is-refused")
    assert asyncio.run(fire(again(one))) == payload
    assert not supervisor.log


def test_a_database_that_fails_does_not_end_the_wait(
    monkeypatch: pytest.MonkeyPatch, start_simulator: StartSimulator, supervisor: Supervisor
) -> None:
    """Airflow's API may be restarted during a wait of hours."""

    def fail(msg: object) -> None:
        if isinstance(msg, GetXCom | SetXCom):
            raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR))

    monkeypatch.setattr(supervisor, "send", fail)
    simulator = start_simulator("happy", speed=1000)
    connect(monkeypatch, simulator)
    assert "ended" in asyncio.run(fire(trigger(simulator.create())))
    assert any(entry.startswith("WARNING state not stored: API_SERVER_ERROR") for entry in supervisor.log)


def test_without_a_task_instance_nothing_is_stored(
    monkeypatch: pytest.MonkeyPatch, start_simulator: StartSimulator, supervisor: Supervisor
) -> None:
    """`dag.test()` runs triggers without one."""
    simulator = start_simulator("happy", speed=1000)
    connect(monkeypatch, simulator)
    one = trigger(simulator.create())
    one.task_instance = None
    assert "ended" in asyncio.run(fire(one))
    assert STATE_KEY not in supervisor.stored


def test_a_connection_that_is_gone_is_an_event(supervisor: Supervisor) -> None:
    """A traceback in the triggerer would be harder to read than the sensor's error."""
    del supervisor
    payload = asyncio.run(fire(trigger("a/b/c/d", policy=replace(POLICY, outage_budget=0))))
    assert "no connection 'launchdarkly_default'" in str(payload["error"])
    assert payload["outcome"] == "unavailable"


def test_a_secrets_backend_may_be_down_for_a_while(
    monkeypatch: pytest.MonkeyPatch, start_simulator: StartSimulator, supervisor: Supervisor
) -> None:
    """The sensor has found the connection, so the trigger looks for it as long as for LaunchDarkly."""
    simulator = start_simulator("happy", speed=1000)
    monkeypatch.setattr(triggers, "CONNECTION_INTERVAL", 0.01)

    async def fire_late() -> dict[str, object]:
        task = asyncio.create_task(fire(trigger(simulator.create())))
        await supervisor.warned.wait()
        connect(monkeypatch, simulator)
        return await task

    assert "ended" in asyncio.run(fire_late())


def test_a_target_that_names_no_import_is_an_event(
    monkeypatch: pytest.MonkeyPatch, start_simulator: StartSimulator, supervisor: Supervisor
) -> None:
    """The sensor raises it as an error that no retry can change."""
    del supervisor
    connect(monkeypatch, start_simulator())
    payload = asyncio.run(fire(trigger("a/b")))
    assert payload["outcome"] == "usage"
    assert "four parts" in str(payload["error"])


def test_no_event_soon_after_the_deferral(
    monkeypatch: pytest.MonkeyPatch, start_simulator: StartSimulator, supervisor: Supervisor
) -> None:
    """A trigger with nothing to wait for waits five seconds all the same."""
    del supervisor
    slept: list[float] = []
    sleep = asyncio.sleep

    async def note(delay: float) -> None:
        slept.append(delay)
        await sleep(0)

    monkeypatch.setattr(triggers, "MINIMUM_DELAY", SHORTEST)
    monkeypatch.setattr(triggers, "asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": note}))
    connect(monkeypatch, start_simulator())
    began = time.monotonic()
    asyncio.run(fire(trigger("a/b")))
    (delay,) = slept
    assert SHORTEST == 5
    assert SHORTEST - (time.monotonic() - began) <= delay <= SHORTEST


SPY = """
import asyncio, sys, threading

class Spy:
    names = []
    def find_spec(self, name, path=None, target=None):
        if threading.current_thread() is threading.main_thread():
            self.names.append(name)

from watcher.airflow.triggers import LaunchDarklyImportTrigger
from watcher.core.policy import Policy

trigger = LaunchDarklyImportTrigger(
    targets=[sys.argv[1]], launchdarkly_conn_id="launchdarkly_default", policy=Policy().to_dict()
)

async def run():
    return [event.payload async for event in trigger.run()]

assert "aiohttp" not in sys.modules
sys.meta_path.insert(0, Spy())
(payload,) = asyncio.run(run())
assert "ended" in payload, payload
assert "aiohttp" in sys.modules
print(*(name for name in Spy.names if name.partition(".")[0] in {"aiohttp", "backoff", "ssl", "watcher"}))
"""


def test_the_event_loop_imports_nothing_large(
    monkeypatch: pytest.MonkeyPatch, start_simulator: StartSimulator
) -> None:
    """The first trigger of a process imports the client in a thread, so that others are not delayed."""
    simulator = start_simulator("happy", speed=1000)
    connect(monkeypatch, simulator)
    program = [sys.executable, "-c", SPY, simulator.create()]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == ""


def test_triggers_of_a_process_share_a_rate_limiter(
    monkeypatch: pytest.MonkeyPatch, start_simulator: StartSimulator, supervisor: Supervisor
) -> None:
    """Twenty triggers that would send hundreds of requests keep a limit of 45 in ten seconds."""
    simulator = start_simulator("happy", speed=3, rate_limit=45)
    connect(monkeypatch, simulator)
    targets = [simulator.create(f"environment-{number}") for number in range(20)]

    async def fire_all() -> list[dict[str, object]]:
        return await asyncio.gather(*(fire(trigger(target)) for target in targets))

    payloads = asyncio.run(fire_all())
    ended = [payload["ended"] for payload in payloads]
    results = [result for one in ended if isinstance(one, dict) for result in one.values()]
    assert [result["outcome"] for result in results] == ["complete"] * len(targets)
    assert sum(result["throttled"] for result in results) <= 1
    assert not any("rate limited" in entry for entry in supervisor.log[:20])
