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

    from watcher.core.answers.replies import Reply
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
    """The end of a wait after a fault or an error reply.

    Attributes:
        outcome: How the wait ends.
        fact: What happened, as the beginning of a sentence.
        detail: The error alone.
    """

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
    """A period without a usable answer.

    Attributes:
        began: When its first request was sent, on the monotonic clock in seconds.
        ceilings: The growing ceilings of the waits between its requests.
        length: Number of failed requests.
    """

    began: float
    ceilings: Iterator[float]
    length: int = 0


def interpret(reply: ErrorReply, *, seen: bool) -> Failure:
    """Return the failure that an error reply means; ``seen`` if the import was observed before."""
    match reply:
        case Missing(error):
            return Failure(Outcome.NOT_FOUND, messages.missing(str(error), seen=seen), str(error))
        case Denied(error):
            return Failure(Outcome.UNAUTHORIZED, messages.token_rejected(str(error)), str(error))
        case Refused(error):
            return Failure(Outcome.PROTOCOL, messages.request_rejected(str(error)), str(error))
        case Redirected(error, location):
            detail = faults.redirect(str(error), location)
            return Failure(Outcome.PROTOCOL, messages.redirected(detail), detail)
        case WrongImport(field, expected, actual):
            detail = faults.wrong_import(field, expected, actual)
            return Failure(Outcome.PROTOCOL, messages.wrong_import(detail), detail)
        case _:
            assert_never(reply)


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
        """Note whether any HTTP response has arrived; to be called with every reply."""
        if not isinstance(reply, Fault) or reply.kind in _HTTP_FAULTS:
            self._answered = True

    def reset(self) -> None:
        """Forget the outage and the unconfirmed error, after a response that shows the import."""
        self.outage = self._unconfirmed = None

    def end_outage(self) -> None:
        """End the outage after an answer that says nothing about the import, such as a 429.

        It neither confirms nor clears an error reply before it.
        """
        self.outage = None

    def judge_fault(self, fault: Fault, arrival: Arrival, deadline: float) -> Failure | Retry:
        """Return whether to retry after a fault: as long as the outage budget lasts.

        Args:
            fault: What went wrong.
            arrival: When, and the hold that came with it.
            deadline: The first deadline of the wait, on the monotonic clock in seconds.
        """
        outage = self._extend_outage(arrival)
        if fault.kind in _HTTP_FAULTS:
            self._unconfirmed = None
        outcome = Outcome.PROTOCOL if fault.kind is FaultKind.NONSENSE else Outcome.UNAVAILABLE
        fact = messages.no_usable_answer(arrival.now.monotonic - outage.began, fault.detail)
        wait = schedule.fault_wait(next(outage.ceilings), self._random)
        retry = Retry(
            arrival.now.monotonic + wait,
            fault.detail,
            outage.length,
            latest=outage.began + budget(self._policy, fault.kind, answered=self._answered),
        )
        return _retry_or_fail(retry, Failure(outcome, fact, fault.detail), arrival, deadline)

    def judge_error(
        self, reply: ErrorReply, failure: Failure, arrival: Arrival, deadline: float, *, seen: bool
    ) -> Failure | Retry:
        """Return whether an error reply ends the wait.

        Once the import was observed, the next answer must confirm an error reply: a proxy, a login page or
        a maintenance window can respond once in place of the API.

        Args:
            reply: The error reply.
            failure: Its meaning.
            arrival: When it arrived.
            deadline: The first deadline of the wait, on the monotonic clock in seconds.
            seen: Whether the import was observed before.
        """
        outage = self._extend_outage(arrival)
        if not seen or self._unconfirmed is type(reply):
            return failure
        self._unconfirmed = type(reply)
        wait = schedule.poll_wait(self._policy.min_interval, self._random)
        return self._confirm(outage, failure.detail, wait, arrival, deadline)

    def judge_new_token(self, reply: Denied, arrival: Arrival, deadline: float) -> Failure | Retry:
        """Return whether to retry with a token that changed during the request: at first at once.

        Args:
            reply: The rejection of the old token.
            arrival: When it arrived.
            deadline: The first deadline of the wait, on the monotonic clock in seconds.
        """
        outage = self._extend_outage(arrival)
        ceiling = 0.0 if outage.length == 1 else next(outage.ceilings)
        wait = schedule.fault_wait(ceiling, self._random)
        detail = faults.new_token(str(reply.error))
        return self._confirm(outage, detail, wait, arrival, deadline)

    def _extend_outage(self, arrival: Arrival) -> Outage:
        if self.outage is None:
            ceilings = schedule.growing(self._policy.min_interval, self._policy.max_interval, 2)
            self.outage = Outage(arrival.asked_at, ceilings)
        self.outage.length += 1
        return self.outage

    def _confirm(
        self, outage: Outage, detail: str, wait: float, arrival: Arrival, deadline: float
    ) -> Failure | Retry:
        """Retry after an unconfirmed error; within an exhausted budget it counts as an outage."""
        now = arrival.now.monotonic
        fact = messages.no_confirmed_answer(now - outage.began, detail)
        latest = outage.began + budget(self._policy, None, answered=self._answered)
        retry = Retry(now + wait, detail, outage.length, latest)
        return _retry_or_fail(retry, Failure(Outcome.UNAVAILABLE, fact, detail), arrival, deadline)


def budget(policy: Policy, kind: FaultKind | None, *, answered: bool) -> float:
    """Return the longest outage in seconds.

    Args:
        policy: The settings of the wait.
        kind: The latest fault; None for an error reply.
        answered: Whether any HTTP response has arrived in this wait.
    """
    if not answered and kind in {FaultKind.UNKNOWN_HOST, FaultKind.UNTRUSTED}:
        return min(policy.outage_budget, FIRST_CONTACT_BUDGET)
    return policy.outage_budget


def _retry_or_fail(retry: Retry, failure: Failure, arrival: Arrival, deadline: float) -> Failure | Retry:
    """Retry unless the outage, or a hold within it, lasts longer than its budget."""
    now, hold, ends = arrival.now.monotonic, arrival.hold, retry.latest
    if ends <= deadline:
        if now >= ends:
            return failure
        if hold is not None and hold.named and hold.until > ends:
            fact = messages.held_past_budget(failure.fact, hold.until - now)
            return Failure(failure.outcome, fact, failure.detail)
    return retry
