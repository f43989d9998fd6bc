"""Rules for faults and error replies: when to retry, and when the wait fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import TypeAlias, assert_never

from watcher.core import schedule
from watcher.core.answers import replies
from watcher.core.answers.replies import Fault, FaultKind, Reply
from watcher.core.messages import faults
from watcher.core.messages import outcomes as messages
from watcher.core.policy import Policy
from watcher.core.statuses import Outcome
from watcher.core.wait.record import Record
from watcher.core.wait.steps import Arrival, Step, StepBuilder

FIRST_CONTACT_BUDGET = 30.0
"""Longest outage in seconds for an unknown host or an untrusted certificate before the first response: until
then, a wrong configuration is more likely than a temporary fault."""

_HTTP_FAULTS = frozenset({FaultKind.SERVER, FaultKind.NONSENSE})

ErrorReply: TypeAlias = (
    replies.Missing | replies.Denied | replies.Refused | replies.Redirected | replies.WrongImport
)
"""The replies that can fail a wait."""


@dataclass(slots=True)
class Outage:
    """A period without a usable response; ``length`` is its number of failed requests."""

    began: float
    ceilings: Iterator[float]
    length: int = 0


def interpret(reply: ErrorReply, *, seen: bool) -> tuple[Outcome, str, str]:
    """Return outcome, fact and detail of an error reply; ``seen`` if the import was observed before."""
    match reply:
        case replies.Missing(error):
            fact = messages.IMPORT_GONE if seen else messages.NO_SUCH_IMPORT
            return Outcome.NOT_FOUND, fact, str(error)
        case replies.Denied(error):
            return Outcome.UNAUTHORIZED, messages.ACCESS_REJECTED, str(error)
        case replies.Refused(error):
            return Outcome.PROTOCOL, messages.REQUEST_REJECTED, str(error)
        case replies.Redirected(error, location):
            return Outcome.PROTOCOL, messages.REDIRECTED, faults.redirect(str(error), location)
        case replies.WrongImport(field, expected, actual):
            return Outcome.PROTOCOL, messages.WRONG_IMPORT, faults.wrong_import(field, expected, actual)
        case _:
            assert_never(reply)


class FaultRules:
    """Decide after each fault or error reply whether to retry."""

    __slots__ = ("_answered", "_policy", "_random", "_record", "_steps", "_unconfirmed", "outage")

    def __init__(self, policy: Policy, record: Record, steps: StepBuilder, random: Random) -> None:
        self.outage: Outage | None = None
        self._policy = policy
        self._record = record
        self._steps = steps
        self._random = random
        self._unconfirmed: type[ErrorReply] | None = None
        self._answered = False

    def observe(self, reply: Reply) -> None:
        """Update the state from any reply; a 429 or network fault does not clear an error reply."""
        if isinstance(reply, Fault) and reply.kind not in _HTTP_FAULTS:
            return
        self._answered = True
        if isinstance(reply, (replies.Found, Fault)):
            self._unconfirmed = None
        if isinstance(reply, (replies.Found, replies.Throttled)):
            self.outage = None

    def on_fault(self, fault: Fault, arrival: Arrival) -> Step:
        """Retry after a fault for as long as the outage budget lasts, or end the wait."""
        outage = self._extend_outage(fault.detail, arrival)
        wait = schedule.fault_wait(next(outage.ceilings), self._random)
        return self._retry_or_end(outage, fault.detail, wait, arrival, kind=fault.kind)

    def on_error(self, reply: ErrorReply, arrival: Arrival) -> Step:
        """End the wait after an error reply, or retry to confirm it.

        Once the import was observed, the next response must confirm an error reply: a proxy, a login page or
        a maintenance window can respond once in place of the API.
        """
        seen = self._record.last is not None
        outcome, fact, detail = interpret(reply, seen=seen)
        outage = self._extend_outage(detail, arrival)
        if not seen or self._unconfirmed is type(reply):
            return self._steps.end(outcome, f"{fact}: {detail}", arrival.now)
        self._unconfirmed = type(reply)
        wait = schedule.poll_wait(self._policy.min_interval, self._random)
        return self._retry_or_end(outage, f"{fact}: {detail}", wait, arrival)

    def on_new_token(self, reply: replies.Denied, arrival: Arrival) -> Step:
        """Retry with a token that changed during the request, the first time at once, or end the wait."""
        outage = self._extend_outage(str(reply.error), arrival)
        ceiling = 0.0 if outage.length == 1 else next(outage.ceilings)
        wait = schedule.fault_wait(ceiling, self._random)
        return self._retry_or_end(outage, faults.new_token(str(reply.error)), wait, arrival)

    def _extend_outage(self, detail: str, arrival: Arrival) -> Outage:
        self._record.record_failure(detail, arrival.now)
        if self.outage is None:
            ceilings = schedule.growing(self._policy.min_interval, self._policy.max_interval, 2)
            self.outage = Outage(arrival.asked_at, ceilings)
        self.outage.length += 1
        return self.outage

    def _retry_or_end(
        self, outage: Outage, detail: str, wait: float, arrival: Arrival, *, kind: FaultKind | None = None
    ) -> Step:
        """Retry within the outage budget after a fault of this kind, or after an unconfirmed error."""
        now, hold = arrival.now.monotonic, arrival.hold
        budget = self._policy.outage_budget
        if kind in {FaultKind.UNKNOWN_HOST, FaultKind.UNTRUSTED} and not self._answered:
            budget = min(budget, FIRST_CONTACT_BUDGET)
        ends = outage.began + budget
        is_held_past = hold is not None and hold.named and hold.until > ends
        if ends > self._steps.deadline.at or (now < ends and not is_held_past):
            return self._steps.retry(wait, arrival, detail=detail, in_a_row=outage.length, latest=ends)
        fact = messages.no_answer(now - outage.began, detail, usable=kind is None)
        if hold is not None and now < ends:
            fact = messages.held_past_budget(fact, hold.until - now)
        outcome = Outcome.PROTOCOL if kind is FaultKind.NONSENSE else Outcome.UNAVAILABLE
        return self._steps.end(outcome, fact, arrival.now)
