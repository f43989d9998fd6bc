"""Tests of the lifecycle of an import."""

from __future__ import annotations

import pytest

from watcher.core import lifecycle
from watcher.core.statuses import SUCCESSES, ImportStatus, Outcome, Status, UnknownStatus

PATH = [
    ImportStatus.PREPARING,
    ImportStatus.PENDING_APPROVAL,
    ImportStatus.READY,
    ImportStatus.IN_PROGRESS,
    ImportStatus.COMPLETE,
]


def test_every_status_has_a_row() -> None:
    """The table contains every status and no others."""
    assert set(lifecycle.TRANSITIONS) == set(ImportStatus)
    assert {to for row in lifecycle.TRANSITIONS.values() for to in row} <= set(ImportStatus)


def test_only_complete_and_stopped_are_final() -> None:
    """The final statuses are those without transitions, and each has an outcome."""
    assert {ImportStatus.COMPLETE, ImportStatus.STOPPED} == lifecycle.FINAL
    assert {status for status, row in lifecycle.TRANSITIONS.items() if not row} == lifecycle.FINAL


@pytest.mark.parametrize("until", PATH)
@pytest.mark.parametrize("status", sorted(lifecycle.FINAL - {ImportStatus.COMPLETE}))
def test_a_failed_import_is_never_a_success(status: ImportStatus, until: ImportStatus) -> None:
    """A final status other than complete is past no goal, so it cannot give exit code 0."""
    assert not lifecycle.is_at_or_past(status, until)
    assert lifecycle.outcome_of(status, until, ()) not in SUCCESSES


@pytest.mark.parametrize("to", PATH)
@pytest.mark.parametrize("source", PATH)
def test_every_later_status_is_expected(source: ImportStatus, to: ImportStatus) -> None:
    """Every later status is expected, and no earlier one is."""
    assert lifecycle.is_expected(source, to) == (PATH.index(to) > PATH.index(source))


@pytest.mark.parametrize("source", PATH[:-1])
def test_stopped_can_follow_every_status_that_is_not_final(source: ImportStatus) -> None:
    """An import can be stopped from every status that is not final."""
    assert lifecycle.is_expected(source, ImportStatus.STOPPED)
    assert not lifecycle.is_expected(ImportStatus.STOPPED, source)


def test_every_known_first_status_is_expected() -> None:
    """Every known first status is expected, and an unknown one never is."""
    assert all(lifecycle.is_expected(None, status) for status in ImportStatus)
    assert not lifecycle.is_expected(None, UnknownStatus("archiving"))


@pytest.mark.parametrize(
    ("status", "until", "outcome"),
    [
        ("preparing", "ready", None),
        ("ready", "ready", Outcome.REACHED),
        ("in_progress", "ready", Outcome.REACHED),
        ("complete", "ready", Outcome.COMPLETE),
        ("stopped", "ready", Outcome.STOPPED),
        ("pending_approval", "preparing", Outcome.REACHED),
        ("stopped", "preparing", Outcome.STOPPED),
        ("stopped", "stopped", Outcome.REACHED),
        ("in_progress", "stopped", None),
        ("complete", "stopped", Outcome.COMPLETE),
        ("in_progress", "complete", None),
        ("complete", "complete", Outcome.COMPLETE),
        ("stopped", "complete", Outcome.STOPPED),
    ],
)
def test_until(status: str, until: str, outcome: Outcome | None) -> None:
    """A status ends the wait at the goal or past it, and stopped is past nothing."""
    assert lifecycle.outcome_of(ImportStatus(status), ImportStatus(until), frozenset()) is outcome


def test_fail_on_comes_before_success() -> None:
    """A status to fail on fails the wait even if it is past the goal."""
    judged = lifecycle.outcome_of(
        ImportStatus.IN_PROGRESS, ImportStatus.READY, frozenset({ImportStatus.IN_PROGRESS})
    )
    assert judged is Outcome.BLOCKED


def test_fail_on_ignores_an_unobserved_status() -> None:
    """A status to fail on that was passed unobserved has no effect."""
    judged = lifecycle.outcome_of(
        ImportStatus.READY, ImportStatus.COMPLETE, frozenset({ImportStatus.PENDING_APPROVAL})
    )
    assert judged is None


@pytest.mark.parametrize("until", list(ImportStatus))
def test_an_unknown_status_reaches_nothing(until: ImportStatus) -> None:
    """An unknown status decides nothing."""
    status: Status = UnknownStatus("archiving")
    assert lifecycle.outcome_of(status, until, frozenset()) is None
