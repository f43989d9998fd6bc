"""Tests of the messages of outcomes: short, complete, and without command-line options."""

from __future__ import annotations

import inspect
import re

import pytest

from tests.support.driving import REF
from watcher.core.events import Progress
from watcher.core.messages import faults, outcomes
from watcher.core.model import Import
from watcher.core.policy import Policy
from watcher.core.statuses import SUCCESSES, ImportStatus, Outcome

ENDS = sorted(set(Outcome) - SUCCESSES - {Outcome.INTERNAL, Outcome.USAGE})
LIMIT = 240
"""Longest message in characters, without target and quoted text."""

PHRASES = [
    outcomes.NOT_FINAL,
    outcomes.rate_limited("", 3599.0),
    outcomes.not_polled(3599.0, named=True, earlier_run=True),
    outcomes.held_past_limit(3599.0, 86399.0, ImportStatus.PENDING_APPROVAL),
    outcomes.timed_out(86399.0, None, polled=False),
    outcomes.held_past_budget(outcomes.no_answer(3599.0, ""), 3599.0),
    outcomes.unknown_status(""),
    outcomes.not_yet_there(""),
    outcomes.left_behind(REF, succeeded=False).replace(str(REF), ""),
]


def progress(status: str | None, *, polls: int = 12) -> Progress:
    """Return the state of a wait."""
    last = None if status is None else Import(status)
    in_state = None if status is None else 86399.0
    return Progress(status, in_state, 86399.0, polls, 1, 1, last, ())


@pytest.mark.parametrize("status", [None, *ImportStatus, "validating"])
@pytest.mark.parametrize("outcome", ENDS)
def test_every_failure_has_a_next_step_and_fits_in_two_sentences(
    outcome: Outcome, status: str | None
) -> None:
    """Fact, last status, last error and next step take at most 240 characters without quoted text."""
    for next_step in (None, outcomes.CHECK_LATER_SHARED_LIMIT, outcomes.CHECK_UNKNOWN_STATUS):
        for fact in PHRASES:
            message = outcomes.final(
                outcome, fact, progress(status), last_error="HTTP", error_age=3599.0, next_step=next_step
            )
            assert message.endswith(".")
            assert len(re.findall(r"\.(?: |$)", message)) <= 2
            assert len(message) <= LIMIT, message


@pytest.mark.parametrize("module", [outcomes, faults])
def test_no_message_names_a_command_line_option(module: object) -> None:
    """The library has no command line, so its messages name no option."""
    assert not re.search(r"--[a-z]", inspect.getsource(module))  # type: ignore[arg-type]  # a module


@pytest.mark.parametrize(
    ("outcome", "status", "polls", "fact"),
    [
        (Outcome.COMPLETE, "complete", 1, "already complete"),
        (Outcome.COMPLETE, "complete", 2, "complete after 23h59m"),
        (Outcome.REACHED, "ready", 1, "already ready"),
        (Outcome.REACHED, "ready", 2, "reached ready after 23h59m"),
        (Outcome.REACHED, "in_progress", 1, "already past ready; now in_progress"),
        (Outcome.REACHED, "in_progress", 2, "reached ready after 23h59m; now in_progress"),
        (Outcome.BLOCKED, "pending_approval", 1, "already blocked at pending_approval"),
        (Outcome.BLOCKED, "pending_approval", 2, "blocked at pending_approval after 23h59m"),
        (Outcome.STOPPED, "stopped", 1, "already stopped in LaunchDarkly"),
        (Outcome.STOPPED, "stopped", 2, "stopped in LaunchDarkly after 23h59m"),
    ],
)
def test_a_status_that_ends_the_wait(outcome: Outcome, status: str, polls: int, fact: str) -> None:
    """The fact names the status, and its time unless the first poll showed it."""
    policy = Policy(until=ImportStatus.READY)
    known = ImportStatus(status)
    assert outcomes.at_status(outcome, progress(known, polls=polls), policy) == fact


def test_an_import_left_behind_names_the_decisive_one() -> None:
    """The message says which import ended the watch, and how."""
    assert outcomes.left_behind(REF, succeeded=True) == f"stopped watching: {REF} succeeded first"
    assert outcomes.left_behind(REF, succeeded=False) == f"stopped watching: {REF} failed first"
