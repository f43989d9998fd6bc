"""One run laid out for judging: requests, answers and ends by import."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.simulation.answers import Meaning
from tests.simulation.oracle import View, views

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.run import Asked, Run
    from watcher.core.events import Ended

TOLERANCE = 1e-6
"""Two moments closer than this are one, in seconds: the virtual clock has such ticks."""


class ViolationError(Exception):
    """An invariant does not hold; the message says where."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a run left behind.

    Attributes:
        run: The run.
        views: What was known of each import after each answer.
        asked: The requests for each import.
        ends: The end of each import.
        unhindered: Whether only the schedule set the pace, for no answer told of limits or asked for a wait.
    """

    run: Run
    views: list[list[View]]
    asked: list[list[Asked]]
    ends: list[Ended]
    unhindered: bool

    def last_view(self, position: int) -> View | None:
        """Gives what was known of an import at its end."""
        return self.views[position][-1] if self.views[position] else None

    def deadline_at(self, position: int, moment: float) -> float:
        """Tells an import's deadline as it was known just before a moment."""
        known = self.run.scenario.policy.timeout
        for view in self.views[position]:
            if view.arrived.at > moment:
                break
            known = view.deadline
        return known

    def patience(self, view: View | None) -> float:
        """Tells until when a single look sits out a rate limit, as far as is known of its import."""
        if not self.run.scenario.policy.once:
            return math.inf
        policy = self.run.scenario.policy
        if view is None:
            return policy.outage_budget
        patience = policy.outage_budget + (0.0 if view.began is None else view.began)
        is_missing = view.status is None and view.arrived.served.meaning is Meaning.MISSING
        return max(patience, policy.appear_within) if is_missing else patience

    def limit(self, view: View) -> float:
        """Tells what a hold must not outlast, after an answer."""
        return min(view.deadline, self.patience(view))

    def limit_at(self, position: int, moment: float) -> float:
        """Tells what a hold must not outlast, as it was known just before a moment."""
        known = [view for view in self.views[position] if view.arrived.at <= moment]
        return self.limit(known[-1]) if known else min(self.run.scenario.policy.timeout, self.patience(None))

    def is_last_look(self, asked: Asked) -> bool:
        """Tells whether a request is its import's last chance before the deadline."""
        return asked.at >= self.deadline_at(asked.position, asked.at) - TOLERANCE

    def under_way(self, position: int, moment: float) -> list[Asked]:
        """Gives an import's request that had been sent at a moment and was not answered by then."""
        answered = {view.arrived.asked.number for view in self.views[position] if view.arrived.at <= moment}
        return [
            asked for asked in self.asked[position] if asked.at <= moment and asked.number not in answered
        ]

    def followed(self, position: int) -> Iterator[tuple[View, Asked]]:
        """Pairs each answer of an import with the next request for it."""
        requests = iter(self.asked[position])
        following = next(requests, None)
        for view in self.views[position]:
            while following is not None and following.number <= view.arrived.asked.number:
                following = next(requests, None)
            if following is not None:
                yield view, following

    def ended_at(self, position: int, moment: float) -> bool:
        """Tells whether an import ended at a moment or before."""
        return self.ends[position].at.monotonic <= moment + TOLERANCE


def is_told(count: int, ends: list[Ended]) -> bool:
    """Tells whether each import has exactly one end."""
    return len(ends) == count and len({end.ref for end in ends}) == count


def gather(run: Run) -> Evidence:
    """Lays a run out; every import has to have ended once.

    Raises:
        ViolationError: The run crashed, got stuck, or did not end every import once.
    """
    if run.crash is not None:
        raise ViolationError(f"the watch broke: {type(run.crash).__name__}: {run.crash}")
    refs = run.scenario.refs
    if not is_told(len(refs), run.ends):
        raise ViolationError(f"{len(refs)} imports have {len(run.ends)} ends")
    by_ref = {end.ref: end for end in run.ends}
    asked: list[list[Asked]] = [[] for _ in refs]
    for request in run.asked:
        asked[request.position].append(request)
    hindered = bool(run.scenario.world.limits) or any(
        arrived.named_until is not None or arrived.served.meaning is Meaning.THROTTLED
        for arrived in run.arrived
    )
    return Evidence(run, views(run), asked, [by_ref[ref] for ref in refs], not hindered)
