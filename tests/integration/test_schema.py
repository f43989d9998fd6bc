"""Tests of the JSON Schema of ``--print-schema`` with real output."""

from __future__ import annotations

import json

import jsonschema
import pytest

from tests.support.processes import FAST, StartSimulator, environment, run_watcher

EXAMPLE = {
    "schema_version": 1,
    "outcome": "complete",
    "exit_code": 0,
    "elapsed_s": 93.214,
    "message": "complete after 1m33s",
    "imports": [
        {
            "target": "default/production/big-spenders/1234a567",
            "project": "default",
            "environment": "production",
            "segment": "big-spenders",
            "import_id": "1234a567",
            "outcome": "complete",
            "exit_code": 0,
            "status": "complete",
            "in_state_s": 0.0,
            "mode": "replace",
            "created_at": "2022-06-01T17:30:00.000Z",
            "files": [{"filename": "bigsegimport.csv", "status": "complete"}],
            "transitions": [
                {
                    "from": None,
                    "to": "preparing",
                    "at": "2026-01-05T10:00:00.120Z",
                    "elapsed_s": 0.12,
                    "in_state_s": None,
                    "expected": True,
                }
            ],
            "polls": 12,
            "throttled": 1,
            "errors": 2,
            "elapsed_s": 93.214,
            "message": "complete after 1m33s",
        }
    ],
}


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    """Return a validator for the printed schema."""
    finished = run_watcher("--print-schema")
    assert finished.code == 0
    schema = json.loads(finished.out)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_example_of_the_contract_is_valid(validator: jsonschema.Draft202012Validator) -> None:
    """The documented result satisfies the schema."""
    validator.validate(EXAMPLE)


def test_other_objects_are_invalid(validator: jsonschema.Draft202012Validator) -> None:
    """The schema rejects objects that are not results or events."""
    for wrong in ({}, {"event": "holiday"}, {**EXAMPLE, "imports": [{}]}, {**EXAMPLE, "exit_code": "0"}):
        assert not validator.is_valid(wrong)


@pytest.mark.parametrize(("scenario", "speed"), [("throttled", 6.0), ("flaky", 4.0), ("unknown-status", 4.0)])
def test_events_are_valid(
    start_simulator: StartSimulator, validator: jsonschema.Draft202012Validator, scenario: str, speed: float
) -> None:
    """Every line of ``jsonl``, the result included, satisfies the schema."""
    simulator = start_simulator(scenario, speed=speed)
    finished = run_watcher(
        simulator.create(),
        *FAST,
        "--output",
        "jsonl",
        "--heartbeat",
        "300ms",
        env=environment(simulator.base_uri),
    )
    events = [json.loads(line) for line in finished.out.splitlines()]
    for event in events:
        validator.validate(event)
    names = {event["event"] for event in events}
    wanted = {"throttled": "throttled", "flaky": "retry", "unknown-status": "unknown_status"}[scenario]
    assert {"watching", "transition", "heartbeat", "outcome", "result", wanted} <= names
