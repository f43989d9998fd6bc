"""The JSON events that scripts rely on, as typed documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, assert_never

import msgspec

from watcher.core.events import (
    Changed,
    Ended,
    Event,
    Heartbeat,
    MetThrottle,
    MetUnknownStatus,
    Retrying,
    Watching,
)
from watcher.core.statuses import Outcome
from watcher.reports.documents import ResultDocument, transition_document
from watcher.reports.values import seconds, seconds_or_none, status_text, timestamp

if TYPE_CHECKING:
    from watcher.core.exit_codes import ExitCodes
    from watcher.core.model import Instant


class _EventDocument(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    at: str
    target: str


class WatchingDocument(_EventDocument, frozen=True, kw_only=True, tag="watching"):
    """The wait for an import begins."""

    goal: str


class ChangedDocument(_EventDocument, frozen=True, kw_only=True, tag="transition"):
    """The import has another status than before."""

    from_: str | None = msgspec.field(name="from")
    to: str
    elapsed_s: float
    in_state_s: float | None
    expected: bool


class ThrottledDocument(_EventDocument, frozen=True, kw_only=True, tag="throttled"):
    """The API refused a request with 429; ``named_wait_s`` is null where it named no moment."""

    wait_s: float
    named_wait_s: float | None
    in_a_row: int


class RetryDocument(_EventDocument, frozen=True, kw_only=True, tag="retry"):
    """A request brought nothing usable and is tried again."""

    error: str
    wait_s: float
    in_a_row: int


class UnknownStatusDocument(_EventDocument, frozen=True, kw_only=True, tag="unknown_status"):
    """The import has a status that this version does not know."""

    status: str


class HeartbeatDocument(_EventDocument, frozen=True, kw_only=True, tag="heartbeat"):
    """Nothing has changed for a while; ``waiting`` imports are not final."""

    status: str | None
    in_state_s: float | None
    elapsed_s: float
    polls: int
    waiting: int
    trouble: str | None
    next_poll_s: float | None


class OutcomeDocument(_EventDocument, frozen=True, kw_only=True, tag="outcome"):
    """The wait for one import is over."""

    outcome: Outcome
    exit_code: int
    status: str | None
    in_state_s: float | None
    elapsed_s: float
    polls: int
    message: str


class ResultEventDocument(ResultDocument, frozen=True, kw_only=True, tag_field="event", tag="result"):
    """The whole watch is over: the result, as an event."""

    at: str


EventDocument: TypeAlias = (
    WatchingDocument
    | ChangedDocument
    | ThrottledDocument
    | RetryDocument
    | UnknownStatusDocument
    | HeartbeatDocument
    | OutcomeDocument
)


def event_document(event: Event, codes: ExitCodes) -> EventDocument:
    """Turns an event into its document.

    Args:
        event: The event.
        codes: The exit codes in force.

    Returns:
        The document.
    """
    at, target, progress = timestamp(event.at.unix), str(event.ref), event.progress
    match event:
        case Watching():
            return WatchingDocument(at=at, target=target, goal=event.goal)
        case Changed():
            seen = transition_document(event.transition)
            return ChangedDocument(
                at=seen.at,
                target=target,
                from_=seen.from_,
                to=seen.to,
                elapsed_s=seen.elapsed_s,
                in_state_s=seen.in_state_s,
                expected=seen.expected,
            )
        case MetThrottle():
            wait = seconds(event.wait)
            named = seconds_or_none(event.named_wait)
            return ThrottledDocument(
                at=at, target=target, wait_s=wait, named_wait_s=named, in_a_row=event.in_a_row
            )
        case Retrying():
            wait = seconds(event.wait)
            return RetryDocument(
                at=at, target=target, error=event.detail, wait_s=wait, in_a_row=event.in_a_row
            )
        case MetUnknownStatus():
            return UnknownStatusDocument(at=at, target=target, status=str(event.status))
        case Heartbeat():
            return HeartbeatDocument(
                at=at,
                target=target,
                status=status_text(progress.status),
                in_state_s=seconds_or_none(progress.in_state),
                elapsed_s=seconds(progress.elapsed),
                polls=progress.polls,
                waiting=event.waiting,
                trouble=event.trouble,
                next_poll_s=seconds_or_none(event.next_poll),
            )
        case Ended():
            return OutcomeDocument(
                at=at,
                target=target,
                outcome=event.outcome,
                exit_code=codes.code(event.outcome, event.signal),
                status=status_text(progress.status),
                in_state_s=seconds_or_none(progress.in_state),
                elapsed_s=seconds(progress.elapsed),
                polls=progress.polls,
                message=event.message,
            )
        case _:
            assert_never(event)


def result_event(result: ResultDocument, at: Instant) -> ResultEventDocument:
    """Turns the result into the last event.

    Args:
        result: The result.
        at: The time.

    Returns:
        The document.
    """
    return ResultEventDocument(
        at=timestamp(at.unix),
        outcome=result.outcome,
        exit_code=result.exit_code,
        elapsed_s=result.elapsed_s,
        message=result.message,
        imports=result.imports,
    )
