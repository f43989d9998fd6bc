"""Drive a Waiter by plain calls, with a clock that is moved by hand."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, TypeVar

from watcher.core.answers.replies import (
    Answer,
    ApiError,
    Denied,
    Fault,
    FaultKind,
    Found,
    Missing,
    Refused,
    Reply,
    Throttled,
    WrongImport,
)
from watcher.core.events import Ended, Event
from watcher.core.model import Import, ImportRef, Instant
from watcher.core.policy import Policy
from watcher.core.statuses import Outcome, parse_status
from watcher.core.wait.steps import Arrival
from watcher.core.wait.waiter import Waiter

if TYPE_CHECKING:
    from watcher.core.answers.rate_limits import Hold
    from watcher.core.wait.steps import Step

REF = ImportRef("default", "production", "big-spenders", "1234a567")
EPOCH = 1_767_600_000.0
"""The wall clock when the monotonic clock is 0."""

NETWORK = Fault(FaultKind.NETWORK, "no connection: connection refused")
SERVER = Fault(FaultKind.SERVER, "the server responded with HTTP 502", 502)
CONFLICT = Fault(FaultKind.SERVER, "the server responded with HTTP 409", 409)
MISDIRECTED = Fault(FaultKind.SERVER, "the server responded with HTTP 421", 421)
SIGN_IN_PAGE = Fault(FaultKind.GATEWAY, 'the server responded with HTTP 200 (page "Sign in")', 200)
REFUSING_PAGE = Fault(
    FaultKind.GATEWAY, 'the server responded with HTTP 403 from cloudflare (page "Just a moment...")', 403
)
MISSING_PAGE = Fault(
    FaultKind.GATEWAY, 'the server responded with HTTP 404 from nginx (page "404 Not Found")', 404
)
REDIRECT = Fault(FaultKind.GATEWAY, "the server responded with HTTP 302 to https://login.example/", 302)
PROXY = Fault(FaultKind.PROXY, "the server responded with HTTP 407", 407)
UNKNOWN_HOST = Fault(FaultKind.UNKNOWN_HOST, "there is no host named x")
MISSING = Missing(ApiError(404, "not_found", "Invalid resource identifier", "req-1"))
DENIED = Denied(ApiError(401, "unauthorized", "Invalid access token"))
FORBIDDEN = Denied(ApiError(403, "forbidden", "Forbidden."))
REFUSED = Refused(ApiError(400, "invalid_request", "Invalid request body"))
WRONG_IMPORT = WrongImport("id", "1234a567", "other")
THROTTLED = Throttled(ApiError(429, "rate_limited", "You've exceeded the API rate limit."))

ADVERSE: dict[Outcome, Reply] = {
    Outcome.NOT_FOUND: MISSING,
    Outcome.UNAUTHORIZED: DENIED,
    Outcome.PROTOCOL: REFUSED,
}

_Kind = TypeVar("_Kind", bound=Event)


def seen(status: str) -> Found:
    """Return a reply that shows the import with a status."""
    return Found(Import(parse_status(status)))


def answer(body: object, status: int = 200, **headers: str) -> Answer:
    """Return a response with a JSON body; underscores in header names stand for hyphens."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, fields, json.dumps(body).encode())


def import_body(**changes: object) -> dict[str, object]:
    """Return the body of a 200 for ``REF``."""
    body: dict[str, object] = {
        "id": REF.import_id,
        "segmentKey": REF.segment,
        "creationTime": 1654104600000,
        "mode": "replace",
        "status": "preparing",
        "files": [{"filename": "bigsegimport.csv", "status": "complete"}],
        "_links": {},
    }
    return body | changes


class Driven:
    """A Waiter with its clock and all its events.

    Args:
        policy: The settings of the wait.
        seed: The seed of the jitter.
    """

    def __init__(self, policy: Policy | None = None, *, seed: int = 0) -> None:
        self.now = 0.0
        self.waiter = Waiter(REF, policy or Policy(), self.instant(), Random(seed))
        self.events: list[Event] = []
        self.wake_at: float | None = None
        self._take(self.waiter.begin(self.instant()))

    def instant(self) -> Instant:
        """Return the time on both clocks."""
        return Instant(self.now, EPOCH + self.now)

    def receive(
        self, reply: Reply, *, at: float | None = None, took: float = 0.0, hold: Hold | None = None
    ) -> Step:
        """Move the clock to a time, by default the next poll, and pass a reply."""
        moment = self.wake_at if at is None else at
        assert moment is not None, "the wait is over"
        self.now = moment
        step = self.waiter.receive(reply, Arrival(moment - took, self.instant(), hold))
        self._take(step)
        return step

    def receive_until_over(self, reply: Reply, most: int = 10_000) -> Ended:
        """Pass the same reply at each poll until the wait ends."""
        for _ in range(most):
            if self.wake_at is None:
                return self.ended
            self.receive(reply)
        raise AssertionError(f"not over after {most} polls")

    def told(self, kind: type[_Kind]) -> list[_Kind]:
        """Return all events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def ended(self) -> Ended:
        """The last event, which must be the only end."""
        (ended,) = self.told(Ended)
        assert self.events[-1] is ended
        return ended

    @property
    def outcome(self) -> Outcome:
        """The outcome."""
        return self.ended.outcome

    def _take(self, step: Step) -> None:
        self.events += step.events
        self.wake_at = step.wake_at
        assert (step.wake_at is None) == self.waiter.over
