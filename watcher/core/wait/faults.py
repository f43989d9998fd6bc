"""What keeps a wait from news: stretches without a usable answer, and answers that speak against going on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from watcher.core import schedule
from watcher.core.answers.replies import Fault, FaultKind
from watcher.core.statuses import Outcome
from watcher.core.text import duration
from watcher.core.wait.verdicts import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from watcher.core.answers.replies import Denied, Reply
    from watcher.core.policy import Policy
    from watcher.core.wait.steps import Arrival
    from watcher.core.wait.verdicts import ErrorReply

FIRST_CONTACT_BUDGET = 30.0
"""Longest outage, in seconds, by an unknown host name or an untrusted certificate before any answer: there a
mistake in the configuration is far likelier than a fault that passes."""

_HTTP_FAULTS = frozenset({FaultKind.SERVER, FaultKind.NONSENSE})


@dataclass(frozen=True, slots=True)
class Retry:
    """A request that is worth repeating.

    Attributes:
        wake_at: When, on the monotonic clock in seconds.
        detail: What went wrong, in words that fit after a colon; safe to print.
        in_a_row: Requests in a row that brought nothing usable.
        latest: When to ask again at the latest, on that clock, unless the API itself asks for more.
    """

    wake_at: float
    detail: str
    in_a_row: int
    latest: float


@dataclass(slots=True)
class Outage:
    """A stretch without a usable answer.

    Attributes:
        began: When its first request was sent, on the monotonic clock in seconds.
        ceilings: The growing ceilings of the waits in it.
        length: Failed requests in it.
    """

    began: float
    ceilings: Iterator[float]
    length: int = 0


class FaultRules:
    """Decides after each request that brought nothing usable whether another one is worth it.

    Args:
        policy: What the user allows.
        random: The source of jitter.

    Attributes:
        outage: The present stretch; None after a good answer.
    """

    __slots__ = ("_answered", "_policy", "_random", "_suspicion", "outage")

    def __init__(self, policy: Policy, random: Random) -> None:
        self.outage: Outage | None = None
        self._policy = policy
        self._random = random
        self._suspicion: type[ErrorReply] | None = None
        self._answered = False

    def note(self, reply: Reply) -> None:
        """Notes whether the API has been reached at all; to be called with every reply.

        Args:
            reply: The reply.
        """
        if not isinstance(reply, Fault) or reply.kind in _HTTP_FAULTS:
            self._answered = True

    def overcome(self) -> None:
        """Forgets everything, after an answer that shows the import."""
        self.outage = self._suspicion = None

    def end_outage(self) -> None:
        """Ends the stretch, after an answer that shows only that the API is there.

        It neither confirms nor clears what an answer before it has said of the import.
        """
        self.outage = None

    def take_fault(self, fault: Fault, arrival: Arrival, deadline: float) -> Failure | Retry:
        """Takes in a fault: it is waited out for as long as the budget allows.

        Args:
            fault: What went wrong.
            arrival: When, and what the API asks for.
            deadline: When a clock of the user's runs out, on the monotonic clock in seconds.

        Returns:
            The end, or when to try again.
        """
        outage = self._lengthen(arrival)
        if fault.kind in _HTTP_FAULTS:
            self._suspicion = None
        outcome = Outcome.PROTOCOL if fault.kind is FaultKind.NONSENSE else Outcome.UNAVAILABLE
        stretch = duration(arrival.now.monotonic - outage.began)
        verdict = Failure(outcome, f"no usable answer for {stretch}: {fault.detail}", fault.detail)
        wait = schedule.fault_wait(next(outage.ceilings), self._random)
        ends = outage.began + budget(self._policy, fault.kind, answered=self._answered)
        return _ride_out(outage, verdict, wait, arrival, ends=ends, deadline=deadline)

    def take_verdict(
        self, reply: ErrorReply, verdict: Failure, arrival: Arrival, deadline: float, *, seen: bool
    ) -> Failure | Retry:
        """Takes in an answer that speaks against going on.

        Of an import that was seen it is believed when it is given twice in a row, for a proxy, a login page
        or a maintenance window can speak once in the API's place.

        Args:
            reply: The answer.
            verdict: What it means.
            arrival: When it came.
            deadline: When a clock of the user's runs out, on the monotonic clock in seconds.
            seen: Whether the import has been seen before.

        Returns:
            The verdict, or when to ask again.
        """
        outage = self._lengthen(arrival)
        if not seen or self._suspicion is type(reply):
            return verdict
        self._suspicion = type(reply)
        wait = schedule.poll_wait(self._policy.min_interval, self._random)
        detail = f"{verdict.detail}; asking once more to be sure"
        return self._doubt(outage, detail, wait, arrival, deadline)

    def take_new_token(self, reply: Denied, arrival: Arrival, deadline: float) -> Failure | Retry:
        """Takes in a refusal of a token whose file holds another one by now: that is tried at once.

        Args:
            reply: The answer.
            arrival: When it came.
            deadline: When a clock of the user's runs out, on the monotonic clock in seconds.

        Returns:
            The end, where the budget is spent on it, or when to try again.
        """
        outage = self._lengthen(arrival)
        ceiling = 0.0 if outage.length == 1 else next(outage.ceilings)
        wait = schedule.fault_wait(ceiling, self._random)
        detail = f"{reply.error}; the token file holds another token by now, which is tried"
        return self._doubt(outage, detail, wait, arrival, deadline)

    def _lengthen(self, arrival: Arrival) -> Outage:
        if self.outage is None:
            ceilings = schedule.growing(self._policy.min_interval, self._policy.max_interval, 2)
            self.outage = Outage(arrival.asked_at, ceilings)
        self.outage.length += 1
        return self.outage

    def _doubt(
        self, outage: Outage, detail: str, wait: float, arrival: Arrival, deadline: float
    ) -> Failure | Retry:
        """Asks again after an answer that is no verdict yet; a budget that is spent makes none of it."""
        stretch = duration(arrival.now.monotonic - outage.began)
        verdict = Failure(Outcome.UNAVAILABLE, f"no certain answer for {stretch}: {detail}", detail)
        ends = outage.began + budget(self._policy, None, answered=self._answered)
        return _ride_out(outage, verdict, wait, arrival, ends=ends, deadline=deadline)


def budget(policy: Policy, kind: FaultKind | None, *, answered: bool) -> float:
    """Tells how long a stretch may last.

    Args:
        policy: What the user allows.
        kind: The latest fault; None where an answer spoke against going on.
        answered: Whether any HTTP answer has come in this wait.

    Returns:
        Seconds from the beginning of the stretch.
    """
    if not answered and kind in {FaultKind.UNKNOWN_HOST, FaultKind.UNTRUSTED}:
        return min(policy.outage_budget, FIRST_CONTACT_BUDGET)
    return policy.outage_budget


def _ride_out(
    outage: Outage, verdict: Failure, wait: float, arrival: Arrival, *, ends: float, deadline: float
) -> Failure | Retry:
    """Tries again unless the outage, or a wait that the API asks for in it, outlasts its budget."""
    now, hold = arrival.now.monotonic, arrival.hold
    if ends <= deadline:
        if now >= ends:
            return verdict
        if hold is not None and hold.named and hold.until > ends:
            asked = duration(hold.until - now)
            what = f"{verdict.what}; the API asks to wait {asked}, which is past --outage-budget"
            return Failure(verdict.outcome, what, verdict.detail)
    return Retry(now + wait, verdict.detail, outage.length, latest=ends)
