"""The requests, responses and ends of one run by import."""

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
"""Times closer than this are equal, in seconds: the resolution of the virtual clock."""


class ViolationError(Exception):
    """An invariant does not hold; the message says where."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of one run.

    Attributes:
        run: The run.
        views: The knowledge about each import after each response.
        asked: The requests for each import.
        ends: The end of each import.
        undisturbed: Whether only the schedule set the pace, without limits or named waits.
        alone: Whether nothing but one import is polled.
    """

    run: Run
    views: list[list[View]]
    asked: list[list[Asked]]
    ends: list[Ended]
    undisturbed: bool
    alone: bool

    def last_view(self, position: int) -> View | None:
        """Return what was known about an import at its end."""
        return self.views[position][-1] if self.views[position] else None

    def deadline_at(self, position: int, moment: float) -> float:
        """Return an import's deadline as known directly before a time."""
        known = self.run.scenario.policy.timeout
        for view in self.views[position]:
            if view.arrived.at > moment:
                break
            known = view.deadline
        return known

    def single_poll_limit(self, view: View | None) -> float:
        """Return until when a single poll waits for a rate limit."""
        if not self.run.scenario.policy.once:
            return math.inf
        policy = self.run.scenario.policy
        if view is None:
            return policy.outage_budget
        limit = policy.outage_budget + (0.0 if view.began is None else view.began)
        is_missing = view.status is None and view.arrived.served.meaning is Meaning.MISSING
        return max(limit, policy.appear_within) if is_missing else limit

    def limit(self, view: View) -> float:
        """Return the latest end of a hold that does not end the wait, after a response."""
        return min(view.deadline, self.single_poll_limit(view))

    def limit_at(self, position: int, moment: float) -> float:
        """Return the latest end of a hold that does not end the wait, as known directly before a time."""
        known = [view for view in self.views[position] if view.arrived.at <= moment]
        return (
            self.limit(known[-1])
            if known
            else min(self.run.scenario.policy.timeout, self.single_poll_limit(None))
        )

    def is_last_poll(self, asked: Asked) -> bool:
        """Return whether a request is the last poll of its import."""
        return asked.at >= self.deadline_at(asked.position, asked.at) - TOLERANCE

    def in_flight(self, position: int, moment: float) -> list[Asked]:
        """Return an import's requests in flight at a time."""
        answered = {view.arrived.asked.number for view in self.views[position] if view.arrived.at <= moment}
        return [
            asked for asked in self.asked[position] if asked.at <= moment and asked.number not in answered
        ]

    def followed(self, position: int) -> Iterator[tuple[View, Asked]]:
        """Pair each response for an import with the next request for it."""
        requests = iter(self.asked[position])
        following = next(requests, None)
        for view in self.views[position]:
            while following is not None and following.number <= view.arrived.asked.number:
                following = next(requests, None)
            if following is not None:
                yield view, following

    def ended_at(self, position: int, moment: float) -> bool:
        """Return whether an import ended at a time or before."""
        return self.ends[position].at.monotonic <= moment + TOLERANCE


def has_one_end_each(count: int, ends: list[Ended]) -> bool:
    """Return whether each import has exactly one end."""
    return len(ends) == count and len({end.ref for end in ends}) == count


def gather(run: Run) -> Evidence:
    """Return the evidence of a run in which every import ended once.

    Raises:
        ViolationError: The run crashed, got stuck, or did not end every import once.
    """
    if run.crash is not None:
        raise ViolationError(f"the watch broke: {type(run.crash).__name__}: {run.crash}")
    refs = run.scenario.refs
    if not has_one_end_each(len(refs), run.ends):
        raise ViolationError(f"{len(refs)} imports have {len(run.ends)} ends")
    by_ref = {end.ref: end for end in run.ends}
    asked: list[list[Asked]] = [[] for _ in refs]
    for request in run.asked:
        asked[request.position].append(request)
    disturbed = bool(run.scenario.world.limits) or any(
        arrived.named_until is not None or arrived.served.meaning is Meaning.THROTTLED
        for arrived in run.arrived
    )
    ends = [by_ref[ref] for ref in refs]
    return Evidence(run, views(run), asked, ends, not disturbed, alone=len(refs) == 1)
