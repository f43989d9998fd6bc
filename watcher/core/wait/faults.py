"""Rules for faults and error replies: when to retry, and when the wait fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, assert_never

from watcher.core import schedule
from watcher.core.answers.replies import Denied, Fault, FaultKind, Missing, Redirected, Refused, WrongImport
from watcher.core.messages import faults
from watcher.core.messages import outcomes as messages
from watcher.core.statuses import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from watcher.core.answers.replies import ApiError, Reply
    from watcher.core.policy import Policy
    from watcher.core.wait.steps import Arrival

FIRST_CONTACT_BUDGET = 30.0
"""Longest outage in seconds for an unknown host or an untrusted certificate before the first response: until
then, a wrong configuration is more likely than a temporary fault."""

_HTTP_FAULTS = frozenset({FaultKind.SERVER, FaultKind.NONSENSE})

ErrorReply: TypeAlias = Missing | Denied | Refused | Redirected | WrongImport
"""The replies that can fail a wait."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The end of a wait after a fault or an error reply; ``detail`` is the error alone."""

    outcome: Outcome
    fact: str
    detail: str


@dataclass(frozen=True, slots=True)
class Retry:
    """Another attempt after a fault or an error reply.

    Attributes:
        wake_at: When, on the monotonic clock in seconds.
        detail: What went wrong, in words that fit after a colon; safe to print.
        in_a_row: Consecutive requests that brought nothing usable.
        latest: When to retry at the latest, on that clock, unless a hold lasts longer.
    """

    wake_at: float
    detail: str
    in_a_row: int
    latest: float


@dataclass(slots=True)
class Outage:
    """A period without a usable answer; ``length`` is its number of failed requests."""

    began: float
    ceilings: Iterator[float]
    length: int = 0


def interpret(reply: ErrorReply, *, seen: bool) -> Failure:
    """Return the failure that an error reply means; ``seen`` if the import was observed before."""
    match reply:
        case Missing(error):
            fact = messages.IMPORT_GONE if seen else messages.NO_SUCH_IMPORT
            return _failure(Outcome.NOT_FOUND, fact, error)
        case Denied(error):
            return _failure(Outcome.UNAUTHORIZED, messages.ACCESS_REJECTED, error)
        case Refused(error):
            return _failure(Outcome.PROTOCOL, messages.REQUEST_REJECTED, error)
        case Redirected(error, location):
            detail = faults.redirect(str(error), location)
            return _failure(Outcome.PROTOCOL, messages.REDIRECTED, detail)
        case WrongImport(field, expected, actual):
            detail = faults.wrong_import(field, expected, actual)
            return _failure(Outcome.PROTOCOL, messages.WRONG_IMPORT, detail)
        case _:
            assert_never(reply)


def _failure(outcome: Outcome, fact: str, error: ApiError | str) -> Failure:
    return Failure(outcome, f"{fact}: {error}", str(error))


class FaultRules:
    """Decide after each fault or error reply whether to retry.

    Args:
        policy: The settings of the wait.
        random: The source of jitter.

    Attributes:
        outage: The present outage; None after a usable answer.
    """

    __slots__ = ("_answered", "_policy", "_random", "_unconfirmed", "outage")

    def __init__(self, policy: Policy, random: Random) -> None:
        self.outage: Outage | None = None
        self._policy = policy
        self._random = random
        self._unconfirmed: type[ErrorReply] | None = None
        self._answered = False

    def observe(self, reply: Reply) -> None:
        """Note whether any HTTP response has arrived; call it with every reply."""
        if not isinstance(reply, Fault) or reply.kind in _HTTP_FAULTS:
            self._answered = True

    def reset(self) -> None:
        """Forget the outage and the unconfirmed error, after a response that shows the import."""
        self.outage = self._unconfirmed = None

    def end_outage(self) -> None:
        """End the outage after a 429 or similar, which neither confirms nor clears an error reply."""
        self.outage = None

    def judge_fault(self, fault: Fault, arrival: Arrival, deadline: float) -> Failure | Retry:
        """Retry after a fault for as long as the outage budget lasts, or fail."""
        outage = self._extend_outage(arrival)
        if fault.kind in _HTTP_FAULTS:
            self._unconfirmed = None
        wait = schedule.fault_wait(next(outage.ceilings), self._random)
        return self._retry_or_fail(outage, fault.detail, wait, arrival, deadline=deadline, kind=fault.kind)

    def judge_error(
        self, reply: ErrorReply, failure: Failure, arrival: Arrival, deadline: float, *, seen: bool
    ) -> Failure | Retry:
        """Fail after an error reply, or retry to confirm it.

        Once the import was observed (``seen``), the next answer must confirm an error reply: a proxy, a login
        page or a maintenance window can respond once in place of the API.
        """
        outage = self._extend_outage(arrival)
        if not seen or self._unconfirmed is type(reply):
            return failure
        self._unconfirmed = type(reply)
        wait = schedule.poll_wait(self._policy.min_interval, self._random)
        return self._retry_or_fail(outage, failure.detail, wait, arrival, deadline=deadline)

    def judge_new_token(self, reply: Denied, arrival: Arrival, deadline: float) -> Failure | Retry:
        """Retry with a token that changed during the request, the first time at once, or fail."""
        outage = self._extend_outage(arrival)
        ceiling = 0.0 if outage.length == 1 else next(outage.ceilings)
        wait = schedule.fault_wait(ceiling, self._random)
        detail = faults.new_token(str(reply.error))
        return self._retry_or_fail(outage, detail, wait, arrival, deadline=deadline)

    def _extend_outage(self, arrival: Arrival) -> Outage:
        if self.outage is None:
            ceilings = schedule.growing(self._policy.min_interval, self._policy.max_interval, 2)
            self.outage = Outage(arrival.asked_at, ceilings)
        self.outage.length += 1
        return self.outage

    def _retry_or_fail(
        self,
        outage: Outage,
        detail: str,
        wait: float,
        arrival: Arrival,
        *,
        deadline: float,
        kind: FaultKind | None = None,
    ) -> Failure | Retry:
        """Retry within the outage budget after a fault of this kind, or after an unconfirmed error."""
        now, hold = arrival.now.monotonic, arrival.hold
        ends = outage.began + budget(self._policy, kind, answered=self._answered)
        is_held_past = hold is not None and hold.named and hold.until > ends
        if ends > deadline or (now < ends and not is_held_past):
            return Retry(now + wait, detail, outage.length, latest=ends)
        fact = messages.no_answer(now - outage.began, detail, usable=kind is None)
        if hold is not None and now < ends:
            fact = messages.held_past_budget(fact, hold.until - now)
        outcome = Outcome.PROTOCOL if kind is FaultKind.NONSENSE else Outcome.UNAVAILABLE
        return Failure(outcome, fact, detail)


def budget(policy: Policy, kind: FaultKind | None, *, answered: bool) -> float:
    """Return the longest outage in seconds; shorter for some faults before the first HTTP response."""
    if not answered and kind in {FaultKind.UNKNOWN_HOST, FaultKind.UNTRUSTED}:
        return min(policy.outage_budget, FIRST_CONTACT_BUDGET)
    return policy.outage_budget
