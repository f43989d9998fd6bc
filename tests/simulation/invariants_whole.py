"""Invariants of the whole watch: imports left behind, and the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.answers import Meaning
from tests.simulation.evidence import TOLERANCE, ViolationError
from tests.simulation.oracle import judged
from watcher.core.statuses import Outcome

if TYPE_CHECKING:
    from tests.simulation.evidence import Evidence
    from watcher.core.events import Ended

_CODES = {
    "complete": 0,
    "reached": 0,
    "internal": 1,
    "usage": 2,
    "stopped": 3,
    "unauthorized": 4,
    "not_found": 5,
    "protocol": 6,
    "blocked": 7,
    "pending": 8,
    "unavailable": 75,
    "timeout": 124,
    "interrupted": 130,
}


def _code(evidence: Evidence, end: Ended) -> int:
    remapped = evidence.run.scenario.wishes.remapped
    if end.outcome in remapped:
        return remapped[end.outcome]
    return 128 + end.signal if end.signal is not None else _CODES[end.outcome.value]


def success_is_earned(evidence: Evidence) -> None:
    """Code 0 needs a correct 200 with an accepted status."""
    result, wishes = evidence.run.result, evidence.run.scenario.wishes
    if result is None or result.code != 0:
        return
    counted = [end for end in evidence.ends if not end.left_behind] or evidence.ends
    earned = [_is_success(evidence, end) for end in counted]
    if not (any(earned) if wishes.any_suffices else all(earned)):
        raise ViolationError("the exit code is 0, but the API never said so")


def _is_success(evidence: Evidence, end: Ended) -> bool:
    if evidence.run.scenario.wishes.remapped.get(end.outcome) == 0:
        return True
    position = evidence.run.scenario.refs.index(end.ref)
    policy = evidence.run.scenario.policy
    return any(
        view.arrived.served.meaning is Meaning.FOUND
        and judged(view.arrived.served.status or "", policy) in {Outcome.COMPLETE, Outcome.REACHED}
        for view in evidence.views[position]
    )


def imports_are_left_behind_only_after_a_decision(evidence: Evidence) -> None:
    """The deciding success (any) or failure (fail-fast) leaves the others behind at once."""
    wishes = evidence.run.scenario.wishes
    deciding: float | None = None
    for end in evidence.run.ends:
        now = end.at.monotonic
        if end.left_behind:
            if deciding is None or abs(now - deciding) > TOLERANCE:
                raise ViolationError(
                    f"{end.ref} is left behind at {now:.6f}, where nothing decided the watch"
                )
            continue
        if deciding is not None:
            raise ViolationError(
                f"{end.ref} ends at {now:.6f}, though the watch was decided at {deciding:.6f}"
            )
        succeeded = _code(evidence, end) == 0
        if end.signal is None and (wishes.any_suffices if succeeded else wishes.fail_fast):
            deciding = now


def signals_end_the_watch(evidence: Evidence) -> None:
    """A signal ends every unfinished import at once as interrupted."""
    interrupt = evidence.run.scenario.wishes.interrupt
    if interrupt is None:
        return
    for end in evidence.ends:
        if end.at.monotonic > interrupt.at + 2 * TOLERANCE:
            raise ViolationError(
                f"{end.ref} ends at {end.at.monotonic:.6f}, after the signal at {interrupt.at:.6f}"
            )


def the_code_follows_the_contract(evidence: Evidence) -> None:
    """Outcome and exit code of the run follow the contract's rules."""
    result = evidence.run.result
    if result is None:
        raise ViolationError("the watch has no result")
    expected = _expected_results(evidence)
    if (result.outcome, result.code) not in expected:
        raise ViolationError(f"the result is {result}; by the contract it is {expected}")


def _expected_results(evidence: Evidence) -> list[tuple[Outcome, int]]:
    counted = [end for end in evidence.ends if not end.left_behind] or evidence.ends
    codes = [_code(evidence, end) for end in counted]
    interrupted = [end for end in counted if end.outcome is Outcome.INTERRUPTED]
    if interrupted:
        return [(Outcome.INTERRUPTED, _code(evidence, interrupted[0]))]
    succeeded = [end for end, code in zip(counted, codes, strict=True) if code == 0]
    if len(succeeded) == len(counted) or (evidence.run.scenario.wishes.any_suffices and succeeded):
        outcomes = {end.outcome for end in succeeded}
        shared = [(Outcome.REACHED, 0)] if outcomes != {Outcome.COMPLETE} else [(Outcome.COMPLETE, 0)]
        # The contract does not say how one remapped failure is called; its own name is as good.
        return shared + [(outcome, 0) for outcome in outcomes if len(outcomes) == 1]
    failed = [(end, code) for end, code in zip(counted, codes, strict=True) if code != 0]
    lowest = min(_CODES[end.outcome.value] or 256 for end, _ in failed)
    return [(end.outcome, code) for end, code in failed if (_CODES[end.outcome.value] or 256) == lowest]
