"""Tests of the public names of the package."""

from __future__ import annotations

import inspect
import subprocess
import sys
from dataclasses import is_dataclass
from enum import EnumType
from typing import get_args

import pytest

import watcher


@pytest.mark.parametrize("name", watcher.__all__)
def test_every_public_name_exists_and_is_documented(name: str) -> None:
    """Each name in `__all__` can be imported and has a docstring."""
    value = getattr(watcher, name)
    assert name in dir(watcher)
    if isinstance(value, type) or inspect.isroutine(value):
        assert value.__doc__
        assert not value.__doc__.startswith(f"{name}("), "the default docstring of a dataclass"


def test_other_names_do_not_exist() -> None:
    """An unknown name raises `AttributeError`, as with any module."""
    with pytest.raises(AttributeError, match="has no attribute 'wait_for'"):
        getattr(watcher, "wait_for")  # noqa: B009 (mypy knows that it does not exist)


def test_every_kind_of_event_is_public() -> None:
    """Callers can distinguish all events by type."""
    kinds = get_args(watcher.Event)
    assert {kind.__name__ for kind in kinds} <= set(watcher.__all__)
    assert all(is_dataclass(kind) for kind in kinds)
    assert isinstance(watcher.Outcome, EnumType)


def test_importing_the_package_imports_nothing_else() -> None:
    """Names are imported on first use: importing the package alone imports only the version."""
    program = "import sys, watcher; print([name for name in sys.modules if name.startswith('watcher.')])"
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert printed.stdout.strip() == "['watcher.version']"


@pytest.mark.parametrize(
    "fields",
    [
        {"min_interval": 0.0},
        {"min_interval": 2.0, "max_interval": 1.0},
        {"max_interval": float("inf")},
        {"growth": 0.5},
        {"growth": float("nan")},
        {"timeout": -1.0},
        {"timeout": float("nan")},
        {"outage_budget": -0.1},
        {"appear_within": -1.0},
        {"max_in_state": {watcher.ImportStatus.READY: -1.0}},
        {"fail_on": frozenset({watcher.ImportStatus.COMPLETE})},
        {"timeout": "1h"},
        {"timeout": None},
        {"min_interval": "1s"},
        {"growth": "1.1"},
        {"max_in_state": {watcher.ImportStatus.READY: "5m"}},
        {"until": "bogus"},
        {"unknown_status": "fial"},
        {"fail_on": {"pending-approval"}},
        {"fail_on": "stopped"},
        {"max_in_state": {"pendng": 3}},
        {"max_in_state": [watcher.ImportStatus.READY]},
    ],
)
def test_an_invalid_policy_is_rejected(fields: dict[str, object]) -> None:
    """A policy that never polls, never stops or contradicts itself raises `ValueError`."""
    with pytest.raises(ValueError, match=r"must (be|not)|is not a valid|dictionary"):
        watcher.Policy(**fields)  # type: ignore[arg-type]  # wrong on purpose


def test_a_policy_converts_text() -> None:
    """A program may name statuses and rules as in the API."""
    named = {"until": "ready", "fail_on": ["stopped"], "unknown_status": "fail", "max_in_state": {"ready": 3}}
    policy = watcher.Policy(**named)  # type: ignore[arg-type]  # typed callers pass members
    assert policy.until is watcher.ImportStatus.READY
    assert policy.fail_on == {watcher.ImportStatus.STOPPED}
    assert policy.unknown_status is watcher.UnknownStatusRule.FAIL
    assert [type(status) for status in policy.max_in_state] == [watcher.ImportStatus]
