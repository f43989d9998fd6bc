"""Tests of policies as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import fields

import pytest

from watcher.core.policy import Policy
from watcher.core.statuses import ImportStatus, Outcome, UnknownStatusRule

FULL = Policy(
    until=ImportStatus.IN_PROGRESS,
    fail_on=frozenset({ImportStatus.PENDING_APPROVAL, ImportStatus.STOPPED}),
    once=True,
    remembered=True,
    unknown_status=UnknownStatusRule.FAIL,
    timeout=math.inf,
    max_in_state={ImportStatus.READY: math.inf, ImportStatus.PREPARING: 60.0},
    outage_budget=math.inf,
    appear_within=math.inf,
    min_interval=2.0,
    max_interval=3.0,
    growth=1.5,
)


@pytest.mark.parametrize("policy", [Policy(), FULL], ids=["default", "full"])
def test_a_policy_survives_json(policy: Policy) -> None:
    """Standard JSON brings back an equal policy, with all fields."""
    text = json.dumps(policy.to_dict(), allow_nan=False)
    assert Policy.from_dict(json.loads(text)) == policy
    assert json.loads(text).keys() == {field.name for field in fields(Policy)}


def test_no_limit_is_null() -> None:
    """An infinite limit is null, and a list of statuses has a fixed order."""
    values = FULL.to_dict()
    assert (values["timeout"], values["outage_budget"], values["appear_within"]) == (None, None, None)
    assert values["max_in_state"] == {"ready": None, "preparing": 60.0}
    assert values["fail_on"] == ["pending_approval", "stopped"]


def test_a_missing_field_has_its_default() -> None:
    """A policy that an earlier version saved is accepted."""
    assert Policy.from_dict({}) == Policy()
    assert Policy.from_dict({"timeout": 5}) == Policy(timeout=5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"timout": 5}, "no field 'timout'"),
        ({"until": "bogus"}, "Invalid enum value 'bogus'"),
        ({"once": "yes"}, "Expected `bool`"),
        ({"fail_on": None}, "Expected `array`"),
        ({"growth": None}, "Expected `float`"),
        ({"max_in_state": {"ready": "5m"}}, "Expected `float`"),
        ({"max_in_state": None}, "Expected `object`"),
        ({"until": "ready", "fail_on": ["ready"]}, "fail_on must not contain ready"),
        ({"timeout": -1}, "timeout must be at least 0 seconds"),
    ],
)
def test_invalid_values_are_refused(values: dict[str, object], message: str) -> None:
    """Nonsense raises `ValueError`, as it does in `Policy` itself."""
    with pytest.raises(ValueError, match=message):
        Policy.from_dict(values)


@pytest.mark.parametrize("values", [[], None, "{}", 5])
def test_a_policy_is_a_mapping(values: object) -> None:
    """JSON of another type raises `ValueError` as well."""
    with pytest.raises(ValueError, match="Expected `object`, got "):
        Policy.from_dict(values)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("value", [None, 5, [5]])
@pytest.mark.parametrize("field", [field.name for field in fields(Policy)])
def test_a_field_of_another_type(field: str, value: object) -> None:
    """No field of a wrong type raises another error than `ValueError`, or is accepted."""
    if isinstance(getattr(Policy(), field), float | int) and value == 5:
        value = "5"
    with pytest.raises(ValueError, match=r"must|is not a valid"):
        Policy(**{field: value})  # type: ignore[arg-type]  # wrong on purpose


def test_two_outcomes_are_worth_a_retry() -> None:
    """Only faults on the way and defects can go away by themselves."""
    assert {outcome for outcome in Outcome if outcome.worth_retrying} == {
        Outcome.UNAVAILABLE,
        Outcome.INTERNAL,
    }


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("fail_on", "stopped", "fail_on must be a list of statuses, not 'stopped'"),
        ("fail_on", ["done"], "fail_on must be one of preparing, .*, stopped, not 'done'"),
        ("until", "done", "until must be one of preparing, .*, stopped, not 'done'"),
        ("max_in_state", {"done": 1}, "max_in_state must be one of preparing, .*, stopped, not 'done'"),
        ("unknown_status", "ignore", "unknown_status must be one of wait, fail, not 'ignore'"),
        ("once", 1, "once must be True or False, not 1"),
        (
            "min_interval",
            61,
            r"min_interval must be more than 0 seconds, and at most as long as max_interval \(",
        ),
        ("max_interval", math.inf, "max_interval must not be infinite"),
    ],
)
def test_an_error_names_the_field_and_what_is_expected(field: str, value: object, message: str) -> None:
    """A program without a type checker gets a message that says what to write."""
    with pytest.raises(ValueError, match=message):
        Policy(**{field: value})  # type: ignore[arg-type]  # wrong on purpose
