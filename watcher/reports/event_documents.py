"""The JSON events that scripts read, as typed documents."""

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
from watcher.reports.documents import ResultDocument, seconds, timestamp, transition_document

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
    """The status of an import changed, or was seen for the first time."""

    from_: str | None = msgspec.field(name="from")
    to: str
    elapsed_s: float
    in_state_s: float | None
    expected: bool


class ThrottledDocument(_EventDocument, frozen=True, kw_only=True, tag="throttled"):
    """The API answered 429; ``named_wait_s`` is null if the answer named no time."""

    wait_s: float
    named_wait_s: float | None
    in_a_row: int


class RetryDocument(_EventDocument, frozen=True, kw_only=True, tag="retry"):
    """A request failed and will be retried."""

    error: str
    wait_s: float
    in_a_row: int


class UnknownStatusDocument(_EventDocument, frozen=True, kw_only=True, tag="unknown_status"):
    """The import has an unknown status."""

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
    """The wait for one import ended."""

    outcome: Outcome
    exit_code: int
    status: str | None
    in_state_s: float | None
    elapsed_s: float
    polls: int
    message: str


class ResultEventDocument(ResultDocument, frozen=True, kw_only=True, tag_field="event", tag="result"):
    """The run ended: the result, as an event."""

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
    """Return the document of an event, with the exit code of an outcome."""
    at, target, progress = timestamp(event.at.unix), str(event.ref), event.progress
    match event:
        case Watching():
            return WatchingDocument(at=at, target=target, goal=event.goal)
        case Changed():
            change = transition_document(event.transition)
            return ChangedDocument(target=target, **msgspec.structs.asdict(change))
        case MetThrottle(wait=wait, named_wait=named, in_a_row=count):
            return ThrottledDocument(
                at=at, target=target, wait_s=seconds(wait), named_wait_s=seconds(named), in_a_row=count
            )
        case Retrying(detail=detail, wait=wait, in_a_row=count):
            return RetryDocument(at=at, target=target, error=detail, wait_s=seconds(wait), in_a_row=count)
        case MetUnknownStatus():
            return UnknownStatusDocument(at=at, target=target, status=event.status)
        case Heartbeat():
            return HeartbeatDocument(
                at=at,
                target=target,
                status=progress.status,
                in_state_s=seconds(progress.in_state),
                elapsed_s=seconds(progress.elapsed),
                polls=progress.polls,
                waiting=event.waiting,
                trouble=event.trouble,
                next_poll_s=seconds(event.next_poll),
            )
        case Ended():
            return OutcomeDocument(
                at=at,
                target=target,
                outcome=event.outcome,
                exit_code=codes.code_of(event),
                status=progress.status,
                in_state_s=seconds(progress.in_state),
                elapsed_s=seconds(progress.elapsed),
                polls=progress.polls,
                message=event.message,
            )
        case _:
            assert_never(event)


def result_event(result: ResultDocument, at: Instant) -> ResultEventDocument:
    """Return the result as the last event of ``jsonl``."""
    return ResultEventDocument(at=timestamp(at.unix), **msgspec.structs.asdict(result))
