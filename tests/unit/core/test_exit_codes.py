"""From ends to exit codes."""

from __future__ import annotations

import pytest

from tests.support.driving import EPOCH
from watcher.core.events import Ended, Progress
from watcher.core.exit_codes import DEFAULT_CODES, ExitCodes, Result
from watcher.core.model import ImportRef, Instant
from watcher.core.statuses import Outcome

NOWHERE = Progress(
    status=None, in_state=None, elapsed=0.0, polls=0, throttled=0, errors=0, last=None, transitions=()
)


def ends(*outcomes: Outcome, left_behind: int = 0, signal: int | None = None) -> list[Ended]:
    """Ends of as many imports, the last ones left behind."""
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


def test_every_outcome_has_a_code() -> None:
    """No end is without a code, and only the two successes are 0."""
    assert set(DEFAULT_CODES) == set(Outcome)
    assert {o for o, code in DEFAULT_CODES.items() if code == 0} == {Outcome.COMPLETE, Outcome.REACHED}


@pytest.mark.parametrize(
    ("outcomes", "result"),
    [
        ([Outcome.COMPLETE], Result(Outcome.COMPLETE, 0)),
        ([Outcome.COMPLETE, Outcome.COMPLETE], Result(Outcome.COMPLETE, 0)),
        ([Outcome.COMPLETE, Outcome.REACHED], Result(Outcome.REACHED, 0)),
        ([Outcome.TIMEOUT, Outcome.COMPLETE, Outcome.STOPPED], Result(Outcome.STOPPED, 3)),
        ([Outcome.UNAVAILABLE, Outcome.PENDING], Result(Outcome.PENDING, 8)),
    ],
)
def test_many_imports(outcomes: list[Outcome], result: Result) -> None:
    """All 0 is 0, else the lowest default code decides."""
    assert ExitCodes().finish(ends(*outcomes)) == result


def test_a_remapped_code_is_judged_by_the_default() -> None:
    """Which import decides does not depend on the numbers that the user chose."""
    codes = ExitCodes({Outcome.STOPPED: 90, Outcome.TIMEOUT: 10})
    assert codes.finish(ends(Outcome.TIMEOUT, Outcome.STOPPED)) == Result(Outcome.STOPPED, 90)


def test_an_outcome_remapped_to_0_counts_as_success() -> None:
    """Only a remap can make an end other than complete and reached a success."""
    codes = ExitCodes({Outcome.STOPPED: 0})
    assert codes.finish(ends(Outcome.STOPPED, Outcome.COMPLETE)) == Result(Outcome.REACHED, 0)
    assert codes.finish(ends(Outcome.STOPPED)) == Result(Outcome.STOPPED, 0)
    assert codes.finish(ends(Outcome.STOPPED, Outcome.TIMEOUT)) == Result(Outcome.TIMEOUT, 124)


def test_a_success_remapped_to_a_failure_counts_as_one() -> None:
    """A remap works in both directions."""
    codes = ExitCodes({Outcome.COMPLETE: 10})
    assert codes.finish(ends(Outcome.COMPLETE, Outcome.COMPLETE)) == Result(Outcome.COMPLETE, 10)


def test_imports_that_were_left_behind_do_not_count() -> None:
    """--fail-fast gives the code of the import that ended the watch."""
    ended = ends(Outcome.TIMEOUT, Outcome.PENDING, left_behind=1)
    assert ExitCodes().finish(ended) == Result(Outcome.TIMEOUT, 124)


def test_any_is_0_though_others_failed_before() -> None:
    """--any is satisfied by one success."""
    ended = ends(Outcome.STOPPED, Outcome.COMPLETE, Outcome.PENDING, left_behind=1)
    assert ExitCodes().finish(ended, any_suffices=True) == Result(Outcome.COMPLETE, 0)
    assert ExitCodes().finish(ends(Outcome.STOPPED), any_suffices=True) == Result(Outcome.STOPPED, 3)


@pytest.mark.parametrize(("signal", "code"), [(2, 130), (15, 143)])
def test_a_signal_decides_whatever_else_happened(signal: int, code: int) -> None:
    """An interrupted watch gives the code of its signal."""
    ended = ends(Outcome.STOPPED, Outcome.INTERRUPTED, Outcome.COMPLETE, signal=signal)
    assert ExitCodes().finish(ended) == Result(Outcome.INTERRUPTED, code)
