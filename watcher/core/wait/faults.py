"""Rules for faults and error replies: when to retry, and when the wait fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
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
"""Longest time in seconds without anything but a gateway's responses before the import was seen, or than an
unknown host, an untrusted certificate or a proxy's error before the first response: until then, a wrong
configuration is more likely than a temporary fault."""

_HTTP_FAULTS = frozenset({FaultKind.SERVER, FaultKind.GATEWAY})
_SERVER_ERRORS = range(500, 600)

ErrorReply: TypeAlias = replies.Missing | replies.Denied | replies.Refused | replies.WrongImport
"""The replies that can fail a wait."""


@dataclass(slots=True)
class Outage:
    """A period without a usable response.

    Attributes:
        failures: Number of failed requests in a row.
        doubtful_since: When a stretch of faults began that a wrong configuration explains; None after another
            fault.
    """

    began: float
    ceilings: Iterator[float]
    failures: int = 0
    doubtful_since: float | None = None


def interpret(reply: ErrorReply, *, seen: bool) -> tuple[Outcome, str, str]:
    """Return outcome, fact and detail of an error reply; ``seen`` if the import was observed before."""
    match reply:
        case replies.Missing(error):
            fact = messages.IMPORT_GONE if seen else messages.NO_SUCH_IMPORT
            return Outcome.NOT_FOUND, fact, str(error)
        case replies.Denied(error):
            fact = messages.access_rejected(error.http_status, error.lacks)
            return Outcome.UNAUTHORIZED, fact, messages.explain_rejection(str(error))
        case replies.Refused(error):
            return Outcome.PROTOCOL, messages.REQUEST_REJECTED, str(error)
        case replies.WrongImport(field, expected, actual):
            return Outcome.PROTOCOL, messages.WRONG_IMPORT, faults.wrong_import(field, expected, actual)
        case _:
            assert_never(reply)


def outcome_unseen(fault: Fault) -> Outcome:
    """Return the outcome if a fault ends the wait for an import that was never seen.

    A network error or a 5xx is ``unavailable``; for a gateway's other responses the HTTP status decides.
    """
    if fault.kind not in _HTTP_FAULTS or fault.http_status in _SERVER_ERRORS:
        return Outcome.UNAVAILABLE
    match fault.http_status:
        case 401 | 403:
            return Outcome.UNAUTHORIZED
        case 404 | 410:
            return Outcome.NOT_FOUND
        case _:
            return Outcome.PROTOCOL


class FaultRules:
    """Decide after each fault or error reply whether to retry."""

    __slots__ = (
        "_misdirected",
        "_policy",
        "_random",
        "_record",
        "_responded",
        "_steps",
        "_unconfirmed",
        "outage",
    )

    def __init__(self, policy: Policy, record: Record, steps: StepBuilder, random: Random) -> None:
        self.outage: Outage | None = None
        self._policy = policy
        self._record = record
        self._steps = steps
        self._random = random
        self._unconfirmed: type[ErrorReply] | None = None
        self._responded = False
        self._misdirected = False

    @property
    def needs_new_connection(self) -> bool:
        """Whether the next poll must use a new connection.

        A kept connection may lead to the gateway that sent a doubtful response (RFC 9110, 15.5.20).
        """
        return self._misdirected or self._unconfirmed is not None

    def observe(self, reply: Reply) -> None:
        """Update the state from any reply; a 429 or network fault does not clear an error reply."""
        if isinstance(reply, Fault) and reply.kind not in _HTTP_FAULTS:
            return
        self._responded = True
        self._misdirected = isinstance(reply, Fault) and reply.http_status == HTTPStatus.MISDIRECTED_REQUEST
        if isinstance(reply, (replies.Found, Fault)):
            self._unconfirmed = None
        if isinstance(reply, (replies.Found, replies.Throttled)):
            self.outage = None

    def on_fault(self, fault: Fault, arrival: Arrival) -> Step:
        """Retry after a fault for as long as the outage budget lasts, or end the wait."""
        outage = self._extend_outage(fault.detail, arrival)
        if not self._is_doubtful(fault):
            outage.doubtful_since = None
        elif outage.doubtful_since is None:
            outage.doubtful_since = arrival.asked_at
        wait = schedule.fault_wait(next(outage.ceilings), self._random)
        return self._retry_or_end(outage, fault.detail, wait, arrival, fault=fault)

    def on_error(self, reply: ErrorReply, arrival: Arrival) -> Step:
        """End the wait after an error reply, or retry to confirm it.

        Once the import was observed, the next response must confirm an error reply: a proxy, a login page or
        a maintenance window can respond once in place of the API.
        """
        seen = self._record.last is not None
        outcome, fact, detail = interpret(reply, seen=seen)
        outage = self._extend_outage(detail, arrival)
        outage.doubtful_since = None
        if not seen or self._unconfirmed is type(reply):
            forbidden = isinstance(reply, replies.Denied) and reply.error.http_status == HTTPStatus.FORBIDDEN
            advice = messages.CHECK_ROLE if forbidden else ""
            return self._steps.end(outcome, f"{fact}: {detail}", arrival.now, next_step=advice)
        self._unconfirmed = type(reply)
        wait = schedule.poll_wait(self._policy.min_interval, self._random)
        return self._retry_or_end(outage, f"{fact}: {detail}", wait, arrival)

    def on_new_token(self, reply: replies.Denied, arrival: Arrival) -> Step:
        """Retry with a token that changed during the request, the first time at once, or end the wait."""
        self._unconfirmed = None
        outage = self._extend_outage(str(reply.error), arrival)
        outage.doubtful_since = None
        ceiling = 0.0 if outage.failures == 1 else next(outage.ceilings)
        wait = schedule.fault_wait(ceiling, self._random)
        return self._retry_or_end(outage, faults.new_token(str(reply.error)), wait, arrival)

    def _extend_outage(self, detail: str, arrival: Arrival) -> Outage:
        self._record.record_failure(detail, arrival.now)
        if self.outage is None:
            ceilings = schedule.growing(self._policy.min_interval, self._policy.max_interval, 2)
            self.outage = Outage(arrival.asked_at, ceilings)
        self.outage.failures += 1
        return self.outage

    def _is_doubtful(self, fault: Fault) -> bool:
        """Return whether a wrong configuration is a likely cause of a fault."""
        if fault.kind in _HTTP_FAULTS:
            return self._record.last is None and fault.http_status not in _SERVER_ERRORS
        return fault.kind is not FaultKind.NETWORK and not self._responded

    def _retry_or_end(
        self, outage: Outage, detail: str, wait: float, arrival: Arrival, *, fault: Fault | None = None
    ) -> Step:
        """Retry within the outage budget after a fault, or after an unconfirmed error if there is none.

        A named time is respected even past the budget, which is checked after the next answer; only a single
        poll ends there.
        """
        now, hold = arrival.now.monotonic, arrival.hold
        budget_ends_at = outage.began + self._policy.outage_budget
        if outage.doubtful_since is not None:
            budget_ends_at = min(budget_ends_at, outage.doubtful_since + FIRST_CONTACT_BUDGET)
        is_held_past = self._policy.once and hold is not None and hold.named and hold.until > budget_ends_at
        if budget_ends_at > self._steps.deadline.at or (now < budget_ends_at and not is_held_past):
            in_a_row = outage.failures
            return self._steps.retry(wait, arrival, detail=detail, in_a_row=in_a_row, latest=budget_ends_at)
        outcome = Outcome.UNAVAILABLE
        fact = messages.no_usable_response(now - outage.began, detail, unconfirmed=fault is None)
        if hold is not None and now < budget_ends_at:
            fact = messages.held_past_budget(fact, hold.until - now)
        elif fault is not None and self._record.last is None:
            outcome = outcome_unseen(fault)
        next_step = ""
        if fault is not None and fault.kind is FaultKind.PROXY:
            next_step = messages.CORRECT_PROXY
        elif outcome is not Outcome.UNAVAILABLE or (fault is not None and fault.kind is FaultKind.GATEWAY):
            next_step = messages.CHECK_GATEWAY
        return self._steps.end(outcome, fact, arrival.now, next_step=next_step)
