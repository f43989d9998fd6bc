"""The sensor, with Airflow; skipped where it is not installed."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("airflow.sdk", reason="Airflow is not installed: pip install '.[airflow]'")

from airflow.sdk import DAG

from tests.support.processes import TOKEN
from tests.support.simulator_client import FROZEN
from watcher.airflow.compat import (
    AirflowException,
    AirflowFailException,
    AirflowNotFoundException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)
from watcher.airflow.sensors import LaunchDarklyImportSensor
from watcher.airflow.triggers import Fired, LaunchDarklyImportTrigger
from watcher.core.policy import Policy
from watcher.core.statuses import ImportStatus, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.processes import Simulator, StartSimulator
    from watcher.airflow.waits import Document

# Airflow 3.1 imports its own deprecated names.
TARGET = "default/production/big-spenders/1"


MAKE: Callable[..., LaunchDarklyImportSensor] = LaunchDarklyImportSensor
"""The sensor as DAG files call it, which nobody type-checks."""


def sensor(target: object = TARGET, **arguments: object) -> LaunchDarklyImportSensor:
    """Return a deferrable sensor."""
    return MAKE(task_id="wait", target=target, **({"deferrable": True} | arguments))


def connect(monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> None:
    """Create the connection."""
    connection = {"conn_type": "launchdarkly", "host": simulator.base_uri, "password": TOKEN}
    monkeypatch.setenv("AIRFLOW_CONN_LAUNCHDARKLY_DEFAULT", json.dumps(connection))


def ended(*outcomes: Outcome) -> Fired:
    """Return the event of a trigger for imports 1, 2, … with these outcomes."""
    results: dict[str, Document] = {}
    for number, outcome in enumerate(outcomes, 1):
        target = f"default/production/big-spenders/{number}"
        path = f"/api/v2/segments/default/production/big-spenders/imports/{number}"
        results[path] = {"target": target, "outcome": outcome.value, "message": f"it is {outcome}"}
    return {"ended": results}


def test_it_defers_an_import_that_is_not_final(
    monkeypatch: pytest.MonkeyPatch, start_simulator: StartSimulator
) -> None:
    """The trigger gets the settings, the state and the connection ID, and Airflow a later timeout."""
    simulator = start_simulator(speed=FROZEN)
    connect(monkeypatch, simulator)
    target = simulator.create()
    one = sensor(
        target, timeout=600, fail_on=["pending_approval"], max_in_state={"ready": timedelta(hours=1)}
    )
    with pytest.raises(TaskDeferred) as caught:
        one.execute({})
    deferred = caught.value
    assert deferred.method_name == "execute_complete"
    assert deferred.timeout > timedelta(seconds=600)
    assert isinstance(deferred.trigger, LaunchDarklyImportTrigger)
    _, arguments = deferred.trigger.serialize()
    assert TOKEN not in json.dumps(arguments)
    assert arguments["launchdarkly_conn_id"] == "launchdarkly_default"
    assert deferred.trigger.states
    assert Policy.from_dict(deferred.trigger.policy) == Policy(
        timeout=600,
        fail_on=frozenset({ImportStatus.PENDING_APPROVAL}),
        max_in_state={ImportStatus.READY: 3600},
    )


def test_it_defers_only_imports_that_are_not_final(
    monkeypatch: pytest.MonkeyPatch, start_simulator: StartSimulator
) -> None:
    """The results of final imports travel with the trigger, so nothing asks for them again."""
    simulator = start_simulator(speed=FROZEN)
    connect(monkeypatch, simulator)
    frozen, missing = simulator.create(), "default/test/big-spenders/1"
    # The first look is within the patience for new imports, so a missing one is not final either.
    with pytest.raises(TaskDeferred) as caught:
        sensor([frozen, missing]).execute({})
    assert len(caught.value.trigger.states) == 2
    done = start_simulator("happy", speed=100_000)
    connect(monkeypatch, done)
    targets = [done.create("test"), done.create("production")]
    with pytest.raises(TaskDeferred) as caught:
        sensor([*targets, missing]).execute({})  # the life of both begins with this look
    while True:
        try:
            results = sensor(targets).execute({})
        except TaskDeferred:
            continue
        break
    assert isinstance(results, list)
    assert [result["environment"] for result in results] == ["test", "production"]


@pytest.mark.parametrize(
    ("outcome", "exception"),
    [
        (Outcome.STOPPED, AirflowFailException),
        (Outcome.UNAUTHORIZED, AirflowFailException),
        (Outcome.NOT_FOUND, AirflowFailException),
        (Outcome.PROTOCOL, AirflowFailException),
        (Outcome.BLOCKED, AirflowFailException),
        (Outcome.TIMEOUT, AirflowSensorTimeout),
        (Outcome.UNAVAILABLE, AirflowException),
        (Outcome.INTERNAL, AirflowException),
    ],
)
def test_each_outcome_has_its_exception(outcome: Outcome, exception: type[Exception]) -> None:
    """Airflow retries only outcomes that a retry can change; the message names import and reason."""
    with pytest.raises(AirflowException, match=rf"^{TARGET}: it is {outcome}$") as caught:
        sensor().execute_complete({}, ended(outcome))
    assert type(caught.value) is exception


@pytest.mark.parametrize(
    ("setting", "outcome", "exception"),
    [
        ("soft_fail", Outcome.TIMEOUT, AirflowSkipException),
        ("soft_fail", Outcome.STOPPED, AirflowFailException),
        ("soft_fail", Outcome.UNAVAILABLE, AirflowException),
        ("never_fail", Outcome.TIMEOUT, AirflowSkipException),
        ("never_fail", Outcome.STOPPED, AirflowSkipException),
        ("never_fail", Outcome.UNAVAILABLE, AirflowSkipException),
    ],
)
def test_a_failure_can_skip_the_task(setting: str, outcome: Outcome, exception: type[Exception]) -> None:
    """``soft_fail`` skips the task after a timeout, ``never_fail`` after any failure; the reason is kept."""
    with pytest.raises(AirflowException, match=f"it is {outcome}") as caught:
        sensor(**{setting: True}).execute_complete({}, ended(outcome))
    assert type(caught.value) is exception


@pytest.mark.parametrize("outcome", [Outcome.COMPLETE, Outcome.REACHED])
def test_a_success_returns_the_result(outcome: Outcome) -> None:
    """One target returns its result, a list of targets a list, in their order and without repetitions."""
    assert sensor().execute_complete({}, ended(outcome)) == next(iter(ended(outcome)["ended"].values()))
    event = ended(outcome, Outcome.COMPLETE)
    targets = [f"{TARGET[:-1]}2", f"{TARGET[:-1]}1", f"{TARGET[:-1]}2"]
    results = sensor(targets).execute_complete({}, event)
    assert isinstance(results, list)
    assert [result["target"] for result in results] == [targets[0], targets[1]]


def test_several_failures_are_all_explained() -> None:
    """The worst outcome decides whether Airflow retries."""
    targets = [f"{TARGET[:-1]}{number}" for number in (1, 2, 3)]
    with pytest.raises(AirflowFailException) as caught:
        sensor(targets).execute_complete({}, ended(Outcome.UNAVAILABLE, Outcome.COMPLETE, Outcome.STOPPED))
    assert str(caught.value).splitlines() == [
        f"{targets[0]}: it is unavailable",
        f"{targets[2]}: it is stopped",
    ]


@pytest.mark.parametrize(
    "event", [None, "complete", {}, {"ended": {}}, {"error": "x"}, ended(Outcome.COMPLETE)]
)
def test_an_event_about_something_else_is_no_result(event: object) -> None:
    """It is answered with one sentence, and a retry may help."""
    with pytest.raises(AirflowException, match=r"unusable trigger event: .*Clear the task") as caught:
        sensor("default/production/big-spenders/2").execute_complete({}, event)
    assert type(caught.value) is AirflowException
    assert caught.value.__suppress_context__


def test_an_error_of_the_trigger_is_raised() -> None:
    """The text is the trigger's."""
    for outcome, exception in (("usage", AirflowFailException), ("unavailable", AirflowException)):
        with pytest.raises(AirflowException, match=r"^no token$") as caught:
            sensor().execute_complete({}, {"error": "no token", "outcome": outcome})
        assert type(caught.value) is exception


def test_without_deferrable_it_waits_in_the_worker(
    monkeypatch: pytest.MonkeyPatch, start_simulator: StartSimulator
) -> None:
    """The result is the same, and an import that times out is reported in the same way."""
    simulator = start_simulator("happy", speed=100)
    connect(monkeypatch, simulator)
    result = sensor(simulator.create(), deferrable=False).execute({})
    assert isinstance(result, dict)
    assert result["outcome"] == "complete"
    with pytest.raises(AirflowSensorTimeout, match="timed out after"):
        sensor(start_stuck(monkeypatch, start_simulator), deferrable=False, timeout=0.3).execute({})


def start_stuck(monkeypatch: pytest.MonkeyPatch, start_simulator: StartSimulator) -> str:
    """Return an import that never ends."""
    simulator = start_simulator("stuck", speed=1000)
    connect(monkeypatch, simulator)
    return simulator.create()


def test_a_missing_connection_fails_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to create."""
    monkeypatch.delenv("AIRFLOW_CONN_LAUNCHDARKLY_DEFAULT", raising=False)
    with pytest.raises(AirflowNotFoundException, match="Create one of type launchdarkly"):
        sensor().execute({})


@pytest.mark.parametrize("target", ["", "a/b", None, ["a/b/c/d", 5], []])
def test_a_wrong_target_is_not_retried(
    monkeypatch: pytest.MonkeyPatch, start_simulator: StartSimulator, target: object
) -> None:
    """A template that renders to nothing fails the task at once."""
    connect(monkeypatch, start_simulator())
    with pytest.raises(AirflowFailException, match=r"^target "):
        sensor(target).execute({})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"until": "done"}, "'done' is not a valid ImportStatus"),
        ({"fail_on": ["complete"]}, "fail_on must not contain complete"),
        ({"max_in_state": {"ready": -1}}, r"max_in_state\[ready\] must be at least 0"),
        ({"deferrable": False, "mode": "reschedule"}, "Set deferrable=True"),
    ],
)
def test_a_wrong_argument_is_an_error_of_the_dag(arguments: dict[str, object], message: str) -> None:
    """It is found when the file is parsed."""
    with pytest.raises(ValueError, match=message):
        sensor(**arguments)


def test_a_wrong_token_is_not_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection without a usable password fails the task at once, with a sentence."""
    monkeypatch.setenv("AIRFLOW_CONN_LAUNCHDARKLY_DEFAULT", "launchdarkly://")
    with pytest.raises(
        AirflowFailException, match="password of the connection 'launchdarkly_default' is empty"
    ):
        sensor().execute({})


def test_one_status_needs_no_list() -> None:
    """A string is one status, not a list of letters."""
    assert sensor(fail_on="pending_approval")._policy().fail_on == {"pending_approval"}  # noqa: SLF001 (what it waits by)


def test_no_limit_can_be_asked_for() -> None:
    """None is no limit, as in JSON."""
    assert sensor(outage_budget=None)._policy().outage_budget == math.inf  # noqa: SLF001 (what it waits by)


def test_the_target_is_a_template() -> None:
    """A task that creates imports can pass them on."""
    one = sensor(["{{ project }}/production/big-spenders/1"])
    one.render_template_fields({"project": "default"})
    assert one.target == [TARGET]


def test_it_can_be_mapped() -> None:
    """A list that another task returns can become one task for each import."""
    with DAG("mapped", schedule=None):
        mapped = LaunchDarklyImportSensor.partial(task_id="wait", deferrable=True).expand(
            target=[TARGET, "a/b/c/d"]
        )
    unmapped = mapped.unmap({"target": TARGET})
    assert isinstance(unmapped, LaunchDarklyImportSensor)
    assert unmapped.target == TARGET
    assert unmapped.deferrable
