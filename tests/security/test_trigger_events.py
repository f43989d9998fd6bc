"""What a trigger fires or stores counts only for the imports of the task itself."""

from __future__ import annotations

import pytest

from watcher.airflow.waits import Memory, WrongEventError, read_event

TARGET, OTHER = "default/production/big-spenders/1", "default/production/big-spenders/2"
PATH, OTHER_PATH = (f"/api/v2/segments/default/production/big-spenders/imports/{number}" for number in (1, 2))


def result(target: str = TARGET, **changed: object) -> dict[str, object]:
    """Return the result of a complete import."""
    return {"target": target, "outcome": "complete", "message": "complete"} | changed


FORGED: list[object] = [
    None,
    "complete",
    [result()],
    {},
    {"ended": None},
    {"ended": [result()]},
    {"ended": {}},
    {"ended": {OTHER_PATH: result(OTHER)}},
    {"ended": {PATH: result(OTHER)}},
    {"ended": {PATH: result(), OTHER_PATH: result(OTHER)}},
    {"ended": {PATH: {"outcome": "complete", "message": "complete"}}},
    {"ended": {PATH: result(outcome="succeeded")}},
    {"ended": {PATH: result(outcome=["complete"])}},
    {"ended": {PATH: result(message=None)}},
    {"ended": {PATH: None}},
    {"error": "no token"},
    {"error": "no token", "outcome": "succeeded"},
    {"error": ["no token"], "outcome": "usage"},
]


@pytest.mark.parametrize("event", FORGED)
def test_an_event_about_something_else_is_no_result(event: object) -> None:
    """An event must have exactly one valid result for each import of the task."""
    with pytest.raises(WrongEventError):
        read_event(event, [TARGET])


def test_an_event_about_its_own_imports_is_a_result() -> None:
    """One import that is named in two ways has one result."""
    event = {"ended": {OTHER_PATH: result(OTHER), PATH: result()}}
    assert read_event(event, [PATH, OTHER, TARGET]) == [result(), result(OTHER)]


@pytest.mark.parametrize(
    "stored", [{OTHER_PATH: result(OTHER)}, {PATH: result(OTHER)}, {PATH: result(outcome="succeeded")}]
)
def test_a_stored_result_of_another_import_is_ignored(stored: dict[str, dict[str, object]]) -> None:
    """The import is polled instead."""
    memory = Memory({PATH: "a state", OTHER_PATH: "another"}, stored).of([TARGET])
    assert memory == Memory({PATH: "a state"})
    assert memory.waiting([TARGET]) == [TARGET]
