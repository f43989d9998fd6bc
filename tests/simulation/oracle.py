"""A second implementation of the contract: what the responses mean for one import."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.simulation.answers import Meaning
from watcher.core.answers.replies import Answer
from watcher.core.statuses import ImportStatus, Outcome, UnknownStatusRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.simulation.run import Arrived, Run
    from watcher.core.policy import Policy

ORDER = ("preparing", "pending_approval", "ready", "in_progress", "complete")

ADVERSE = {
    Meaning.MISSING: Outcome.NOT_FOUND,
    Meaning.DENIED: Outcome.UNAUTHORIZED,
    Meaning.REFUSED: Outcome.PROTOCOL,
    Meaning.WRONG_IMPORT: Outcome.PROTOCOL,
}
FIRST_CONTACT = frozenset({Meaning.UNKNOWN_HOST, Meaning.UNTRUSTED})
UNREACHED = frozenset({Meaning.NETWORK}) | FIRST_CONTACT
FAULTS = frozenset({Meaning.SERVER, Meaning.GATEWAY}) | UNREACHED
FIRST_CONTACT_BUDGET = 30.0
LONGEST_BACKOFF = 60.0


@dataclass(frozen=True, slots=True)
class View:
    """What is known about one import after a response.

    Attributes:
        arrived: The answer.
        deadline_before: When the user's clocks ran out as known before the answer.
        deadline: The same after it.
        status: The last status that was seen.
        seen: Whether the import had been seen before the answer.
        began: When the stretch without a usable answer began, if there is one.
        ends: When its budget is spent, by the last fault.
        refusals: Refusals of this import's requests in a row.
        interval: The interval of the schedule that follows the answer; None where a fault's backoff does.
        verdict: How the import has to end with this answer, if it does.
    """

    arrived: Arrived
    deadline_before: float
    deadline: float
    status: str | None
    seen: bool
    began: float | None
    ends: float
    refusals: int
    interval: float | None
    verdict: Outcome | None


def judged(status: str, policy: Policy) -> Outcome | None:
    """Return the outcome of a status by the contract's table of exit codes."""
    known = [member for member in ImportStatus if member.value == status]
    if not known:
        return Outcome.PROTOCOL if policy.unknown_status is UnknownStatusRule.FAIL else None
    if known[0] in policy.fail_on:
        return Outcome.BLOCKED
    if status == "complete":
        return Outcome.COMPLETE
    if status == "stopped":
        return Outcome.REACHED if policy.until == "stopped" else Outcome.STOPPED
    if policy.until == "stopped" or ORDER.index(status) < ORDER.index(policy.until):
        return None
    return Outcome.REACHED


class Oracle:
    """Interpret the responses for one import in order.

    Args:
        policy: The settings of the wait.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._status: str | None = None
        self._since = 0.0
        self._began: float | None = None
        self._suspicion: Meaning | None = None
        self._answered = False
        self._doubtful: float | None = None
        self._refusals = 0
        self._polls = 0

    @property
    def deadline(self) -> float:
        """The first deadline; the wait began at 0."""
        longest = {status.value: limit for status, limit in self._policy.max_in_state.items()}
        in_state = math.inf if self._status is None else self._since + longest.get(self._status, math.inf)
        return min(self._policy.timeout, in_state)

    def follow(self, arrived: Arrived) -> View:
        """Interpret the next response."""
        deadline_before, seen = self.deadline, self._status is not None
        meaning = arrived.served.meaning
        self._answered |= meaning not in UNREACHED
        self._refusals = self._refusals + 1 if meaning is Meaning.THROTTLED else 0
        interval: float | None = None
        verdict: Outcome | None = None
        match meaning:
            case Meaning.FOUND:
                verdict = self._find(arrived)
                interval = self._next_interval()
            case Meaning.THROTTLED:
                self._began = None
                verdict = Outcome.UNAVAILABLE if self._policy.once else None
            case Meaning.MISSING if not seen and arrived.at < self._policy.appear_within:
                self._began = self._suspicion = None
                interval = self._next_interval()
            case _ if meaning in ADVERSE:
                verdict = self._suspect(arrived, meaning, seen=seen)
            case _:
                self._lengthen(arrived)
                if meaning in {Meaning.SERVER, Meaning.GATEWAY, Meaning.ROTATED}:
                    self._suspicion = None
        ends = self._ends(arrived, meaning, seen=seen)
        status = self._status
        return View(
            arrived,
            deadline_before,
            self.deadline,
            status,
            seen,
            self._began,
            ends,
            self._refusals,
            interval,
            verdict,
        )

    def _find(self, arrived: Arrived) -> Outcome | None:
        self._began = self._suspicion = None
        status = arrived.served.status or ""
        if status != self._status:
            self._status, self._since, self._polls = status, arrived.at, 0
        verdict = judged(status, self._policy)
        if verdict is None and self._policy.once and arrived.at < self.deadline:
            return Outcome.PENDING
        return verdict

    def _suspect(self, arrived: Arrived, meaning: Meaning, *, seen: bool) -> Outcome | None:
        self._lengthen(arrived)
        confirmed = self._suspicion is meaning
        self._suspicion = meaning
        return ADVERSE[meaning] if confirmed or not seen else None

    def _lengthen(self, arrived: Arrived) -> None:
        if self._began is None:
            self._began = arrived.asked.at

    def _ends(self, arrived: Arrived, meaning: Meaning, *, seen: bool) -> float:
        """Return when the outage ends the wait: soon if a wrong configuration explains the latest faults."""
        doubtful = (meaning is Meaning.GATEWAY and not seen) or (
            meaning in FIRST_CONTACT and not self._answered
        )
        if not doubtful or self._began is None:
            self._doubtful = None
        elif self._doubtful is None:
            self._doubtful = arrived.asked.at
        if self._began is None:
            return math.inf
        ends = self._began + self._policy.outage_budget
        return ends if self._doubtful is None else min(ends, self._doubtful + FIRST_CONTACT_BUDGET)

    def _next_interval(self) -> float:
        policy = self._policy
        interval = min(policy.max_interval, policy.min_interval * policy.growth ** min(self._polls, 400))
        self._polls += 1
        return interval


def outcome_of_outage(view: View) -> Outcome:
    """Return how an import ends whose outage ends with this answer."""
    answer = view.arrived.served.answer
    if view.status is not None or view.arrived.served.meaning is not Meaning.GATEWAY:
        return Outcome.UNAVAILABLE
    assert isinstance(answer, Answer)
    if answer.status in {401, 403}:
        return Outcome.UNAUTHORIZED
    return Outcome.NOT_FOUND if answer.status in {404, 410} else Outcome.PROTOCOL


def views(run: Run) -> list[list[View]]:
    """Return the views of every import of a run, in the order of arrival."""
    oracles = [Oracle(run.scenario.policy) for _ in run.scenario.refs]
    found: list[list[View]] = [[] for _ in oracles]
    for arrived in run.arrived:
        position = arrived.asked.position
        if position < 0:  # of another group
            continue
        found[position].append(oracles[position].follow(arrived))
    return found


def last_before(views_of_one: Sequence[View], moment: float) -> View | None:
    """Return the last view of an import before a time."""
    earlier = [view for view in views_of_one if view.arrived.at < moment]
    return earlier[-1] if earlier else None
