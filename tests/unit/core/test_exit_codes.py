"""Tests of the exit codes of a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.driving import EPOCH
from watcher.core.events import Ended, Progress
from watcher.core.exit_codes import DEFAULT_CODES, ExitCodes
from watcher.core.model import ImportRef, Instant
from watcher.core.statuses import Outcome

NOWHERE = Progress(
    status=None, in_state=None, elapsed=0.0, polls=0, throttled=0, errors=0, last=None, transitions=()
)


def ends(*outcomes: Outcome, left_behind: int = 0, signal: int | None = None) -> list[Ended]:
    """Return the ends of as many imports, the last ones left behind."""
    first_left = len(outcomes) - left_behind
    return [
        Ended(
            ImportRef("p", "e", "s", str(number)),
            Instant(0.0, EPOCH),
            NOWHERE,
            outcome,
            "",
            signal=signal if outcome is Outcome.INTERRUPTED else None,
            left_behind=number >= first_left,
        )
        for number, outcome in enumerate(outcomes)
    ]


def decided(codes: ExitCodes, ended: list[Ended], *, any_suffices: bool = False) -> tuple[Outcome, int]:
    """Return the outcome and the code of a run."""
    result = codes.result(ended, any_suffices=any_suffices)
    assert result.ends == tuple(ended)
    return result.outcome, result.code


def test_every_outcome_has_a_code() -> None:
    """Every outcome has a code, and only the two successes have 0."""
    assert set(DEFAULT_CODES) == set(Outcome)
    assert {o for o, code in DEFAULT_CODES.items() if code == 0} == {Outcome.COMPLETE, Outcome.REACHED}


@pytest.mark.parametrize(
    ("outcomes", "result"),
    [
        ([Outcome.COMPLETE], (Outcome.COMPLETE, 0)),
        ([Outcome.COMPLETE, Outcome.COMPLETE], (Outcome.COMPLETE, 0)),
        ([Outcome.COMPLETE, Outcome.REACHED], (Outcome.REACHED, 0)),
        ([Outcome.TIMEOUT, Outcome.COMPLETE, Outcome.STOPPED], (Outcome.STOPPED, 3)),
        ([Outcome.UNAVAILABLE, Outcome.PENDING], (Outcome.PENDING, 8)),
    ],
)
def test_many_imports(outcomes: list[Outcome], result: tuple[Outcome, int]) -> None:
    """A run succeeds if all imports do, else the lowest default code decides."""
    assert decided(ExitCodes(), ends(*outcomes)) == result


def test_a_remap_does_not_change_which_import_decides() -> None:
    """Remapped codes do not change which import decides."""
    codes = ExitCodes({Outcome.STOPPED: 90, Outcome.TIMEOUT: 10})
    assert decided(codes, ends(Outcome.TIMEOUT, Outcome.STOPPED)) == (Outcome.STOPPED, 90)


def test_an_outcome_remapped_to_0_counts_as_success() -> None:
    """A remap can turn any outcome into a success."""
    codes = ExitCodes({Outcome.STOPPED: 0})
    assert decided(codes, ends(Outcome.STOPPED, Outcome.COMPLETE)) == (Outcome.REACHED, 0)
    assert decided(codes, ends(Outcome.STOPPED)) == (Outcome.STOPPED, 0)
    assert decided(codes, ends(Outcome.STOPPED, Outcome.TIMEOUT)) == (Outcome.TIMEOUT, 124)


def test_a_success_remapped_to_a_failure_counts_as_one() -> None:
    """A remap can turn a success into a failure."""
    codes = ExitCodes({Outcome.COMPLETE: 10})
    assert decided(codes, ends(Outcome.COMPLETE, Outcome.COMPLETE)) == (Outcome.COMPLETE, 10)


def test_imports_left_behind_do_not_count() -> None:
    """The import that ended the watch decides, not those left behind."""
    ended = ends(Outcome.TIMEOUT, Outcome.PENDING, left_behind=1)
    assert decided(ExitCodes(), ended) == (Outcome.TIMEOUT, 124)


def test_any_succeeds_despite_earlier_failures() -> None:
    """One success suffices if asked for, whatever failed before."""
    ended = ends(Outcome.STOPPED, Outcome.COMPLETE, Outcome.PENDING, left_behind=1)
    assert decided(ExitCodes(), ended, any_suffices=True) == (Outcome.COMPLETE, 0)
    assert decided(ExitCodes(), ends(Outcome.STOPPED), any_suffices=True) == (Outcome.STOPPED, 3)


@pytest.mark.parametrize(("signal", "code"), [(2, 130), (15, 143)])
def test_a_signal_decides_the_code(signal: int, code: int) -> None:
    """An interrupted run has the code of its signal."""
    ended = ends(Outcome.STOPPED, Outcome.INTERRUPTED, Outcome.COMPLETE, signal=signal)
    assert decided(ExitCodes(), ended) == (Outcome.INTERRUPTED, code)


def test_the_message_of_one_import_and_of_several() -> None:
    """The message of the only import is the run's; several are counted."""
    (only,) = ends(Outcome.STOPPED)
    assert ExitCodes().result([replace(only, message="stopped after 5s")]).message == "stopped after 5s"
    summary = ExitCodes().result(ends(Outcome.COMPLETE, Outcome.STOPPED, Outcome.COMPLETE)).message
    assert summary == "2 of 3 imports complete; exit code 3 (stopped)"
