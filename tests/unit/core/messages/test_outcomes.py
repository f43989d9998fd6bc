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

LIMIT = 240
"""Longest message in characters, without target and quoted text."""

DAY = 86399.0
HOUR = 3599.0
OUTAGE = outcomes.held_past_budget(outcomes.no_answer(HOUR, ""), HOUR)

FACTS = {
    Outcome.STOPPED: ["stopped in LaunchDarkly after 23h59m"],
    Outcome.UNAUTHORIZED: [outcomes.ACCESS_REJECTED],
    Outcome.NOT_FOUND: [outcomes.NO_SUCH_IMPORT, outcomes.IMPORT_GONE],
    Outcome.PROTOCOL: [
        outcomes.REQUEST_REJECTED,
        outcomes.WRONG_IMPORT,
        outcomes.unknown_status(""),
        OUTAGE,
    ],
    Outcome.BLOCKED: ["blocked at pending_approval after 23h59m"],
    Outcome.PENDING: [
        outcomes.NOT_FINAL,
        outcomes.not_yet_there(""),
        outcomes.left_behind(REF, succeeded=True).replace(str(REF), ""),
    ],
    Outcome.UNAVAILABLE: [
        outcomes.rate_limited("", HOUR),
        outcomes.not_polled(HOUR, named=True, earlier_run=True),
        OUTAGE,
    ],
    Outcome.TIMEOUT: [
        outcomes.timed_out(DAY, None, polled=False),
        outcomes.held_past_limit(HOUR, DAY, ImportStatus.PENDING_APPROVAL),
    ],
    Outcome.INTERRUPTED: [outcomes.interrupted("SIGTERM", DAY)],
}


def progress(status: str | None, *, polls: int = 12) -> Progress:
    """Return the state of a wait."""
    last = None if status is None else Import(status)
    in_state = None if status is None else DAY
    return Progress(status, in_state, DAY, polls, 1, 1, last, ())


@pytest.mark.parametrize("status", [None, *ImportStatus, "validating"])
@pytest.mark.parametrize("outcome", FACTS)
def test_a_failure_fits_in_two_sentences(outcome: Outcome, status: str | None) -> None:
    """Fact, last status, last error and next step take at most 240 characters without quoted text."""
    for fact in FACTS[outcome]:
        message = outcomes.final(outcome, fact, progress(status), last_error="HTTP", error_age=HOUR)
        assert message.endswith(".")
        assert len(re.findall(r"\.(?: |$)", message)) <= 2
        assert len(message) <= LIMIT


def test_every_failure_of_a_wait_has_a_next_step() -> None:
    """Only successes, defects and usage errors have no next step."""
    assert set(FACTS) == set(Outcome) - SUCCESSES - {Outcome.INTERNAL, Outcome.USAGE}


APPROVE = "Approve and apply the change in LaunchDarkly, then watch the import again."


@pytest.mark.parametrize(
    ("outcome", "status", "fact"),
    [
        (Outcome.BLOCKED, "pending_approval", "blocked at pending_approval after 5s"),
        (Outcome.STOPPED, "stopped", "stopped in LaunchDarkly after 5s"),
        (Outcome.TIMEOUT, "pending_approval", outcomes.timed_out(DAY, ImportStatus.PENDING_APPROVAL)),
        (Outcome.PROTOCOL, "validating", outcomes.unknown_status("validating")),
        (Outcome.PENDING, None, outcomes.not_yet_there("HTTP 404")),
        (Outcome.NOT_FOUND, None, outcomes.NO_SUCH_IMPORT),
        (Outcome.UNAVAILABLE, None, outcomes.not_polled(30.0, named=True, earlier_run=False)),
    ],
)
def test_a_message_repeats_nothing(outcome: Outcome, status: str | None, fact: str) -> None:
    """The last status has no clause of its own if the fact names it or implies that there is none."""
    assert outcomes.final(outcome, fact, progress(status), next_step=APPROVE) == f"{fact}. {APPROVE}"


def test_a_hold_past_the_limit_of_a_status_names_the_status_once() -> None:
    """The clause about the last status tells which status the limit is for."""
    fact = outcomes.held_past_limit(30.0, DAY, ImportStatus.PENDING_APPROVAL)
    assert outcomes.final(Outcome.TIMEOUT, fact, progress("pending_approval")) == (
        "timed out: the API asks to wait 30s, past the limit of 23h59m for this status; "
        f"last status pending_approval for 23h59m. {APPROVE}"
    )


@pytest.mark.parametrize("module", [outcomes, faults])
def test_no_message_names_a_command_line_option(module: object) -> None:
    """The library has no command line, so its messages name no option."""
    assert not re.search(r"--[a-z]", inspect.getsource(module))  # type: ignore[arg-type]  # a module


@pytest.mark.parametrize(
    ("outcome", "status", "polls", "fact"),
    [
        (Outcome.COMPLETE, "complete", 1, "complete at the first poll"),
        (Outcome.COMPLETE, "complete", 2, "complete after 23h59m"),
        (Outcome.REACHED, "ready", 1, "reached ready at the first poll"),
        (Outcome.REACHED, "ready", 2, "reached ready after 23h59m"),
        (Outcome.REACHED, "in_progress", 1, "reached ready at the first poll; now in_progress"),
        (Outcome.REACHED, "in_progress", 2, "reached ready after 23h59m; now in_progress"),
        (Outcome.BLOCKED, "pending_approval", 1, "blocked at pending_approval at the first poll"),
        (Outcome.BLOCKED, "pending_approval", 2, "blocked at pending_approval after 23h59m"),
        (Outcome.STOPPED, "stopped", 1, "stopped in LaunchDarkly at the first poll"),
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
