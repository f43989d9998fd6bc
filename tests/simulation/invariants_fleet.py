"""Invariants of many imports under one rate limit: reserve and fairness."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from tests.simulation.answers import Meaning
from tests.simulation.evidence import ViolationError
from tests.simulation.scenario import Flavour
from watcher.core.answers.replies import Answer

if TYPE_CHECKING:
    from tests.simulation.evidence import Evidence

_REMAINING = "x-ratelimit-global-remaining"


def no_refusal_is_our_own_fault(evidence: Evidence) -> None:
    """A watch that knows the account limit and is its only user never gets a 429."""
    if evidence.run.scenario.flavour not in {Flavour.POLITE, Flavour.TIGHT}:
        return
    for arrived in evidence.run.arrived:
        if arrived.served.meaning is Meaning.THROTTLED:
            raise ViolationError(f"request {arrived.asked.number} is refused, by nobody's fault but our own")


def something_is_left_for_others(evidence: Evidence) -> None:
    """Only a last poll may use the last request of a window; the account has other users."""
    if evidence.run.scenario.flavour not in {Flavour.POLITE, Flavour.TIGHT}:
        return
    for arrived in evidence.run.arrived:
        answer = arrived.served.answer
        if not isinstance(answer, Answer) or answer.headers.get(_REMAINING) != "0":
            continue
        if not evidence.is_last_poll(arrived.asked):
            raise ViolationError(f"request {arrived.asked.number} takes the last of its window")


def nobody_starves(evidence: Evidence) -> None:
    """While an import waits for its turn, no other one is polled more often than its interval explains."""
    if evidence.run.scenario.flavour is not Flavour.TIGHT:
        return
    moments = [[asked.at for asked in requests] for requests in evidence.asked]
    shortest = evidence.run.scenario.policy.min_interval
    for position in range(len(moments)):
        for view, asked in evidence.followed(position):
            interval = view.interval or shortest
            for other, others in enumerate(moments):
                served = bisect_left(others, asked.at) - bisect_right(others, view.arrived.at)
                if served <= 3 or other == position:
                    continue
                least = min(
                    (seen.interval or shortest)
                    for seen in evidence.views[other]
                    if seen.arrived.at >= view.arrived.asked.at
                )
                if served > 3 + 1.5 * interval / least:
                    raise ViolationError(
                        f"import {position} waits from {view.arrived.at:.6f} to {asked.at:.6f}, "
                        f"while import {other} is served {served} times"
                    )
