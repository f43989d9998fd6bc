"""The JSON that scripts rely on: events and the result, as typed documents."""

from __future__ import annotations

from datetime import UTC, datetime
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

if TYPE_CHECKING:
    from watcher.core.events import Progress
    from watcher.core.model import ImportRef, Instant, Status, Transition
    from watcher.exit_codes import ExitCodes

SCHEMA_VERSION = 1


class TransitionDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One change of status; ``from`` and ``in_state_s`` are null at the first sight."""

    from_: str | None = msgspec.field(name="from")
    to: str
    at: str
    elapsed_s: float
    in_state_s: float | None
    expected: bool


class FileDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One file of an import."""

    filename: str | None
    status: str | None


class ImportDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One import's part of the result; until its end ``outcome`` and ``exit_code`` are null."""

    target: str
    project: str
    environment: str
    segment: str
    import_id: str
    outcome: str | None
    exit_code: int | None
    status: str | None
    in_state_s: float | None
    mode: str | None
    created_at: str | None
    files: list[FileDocument]
    transitions: list[TransitionDocument]
    polls: int
    throttled: int
    errors: int
    elapsed_s: float
    message: str | None


class ResultDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a whole watch."""

    schema_version: int = SCHEMA_VERSION
    outcome: str | None
    exit_code: int | None
    elapsed_s: float
    imports: list[ImportDocument]


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

    outcome: str
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
            wait = _seconds(event.wait)
            named = _seconds_or_none(event.named_wait)
            return ThrottledDocument(
                at=at, target=target, wait_s=wait, named_wait_s=named, in_a_row=event.in_a_row
            )
        case Retrying():
            wait = _seconds(event.wait)
            return RetryDocument(
                at=at, target=target, error=event.detail, wait_s=wait, in_a_row=event.in_a_row
            )
        case MetUnknownStatus():
            return UnknownStatusDocument(at=at, target=target, status=str(event.status))
        case Heartbeat():
            return HeartbeatDocument(
                at=at,
                target=target,
                status=_text(progress.status),
                in_state_s=_seconds_or_none(progress.in_state),
                elapsed_s=_seconds(progress.elapsed),
                polls=progress.polls,
                waiting=event.waiting,
                trouble=event.trouble,
                next_poll_s=_seconds_or_none(event.next_poll),
            )
        case Ended():
            return OutcomeDocument(
                at=at,
                target=target,
                outcome=event.outcome,
                exit_code=codes.code(event.outcome, event.signal),
                status=_text(progress.status),
                in_state_s=_seconds_or_none(progress.in_state),
                elapsed_s=_seconds(progress.elapsed),
                polls=progress.polls,
                message=event.message,
            )
        case _:
            assert_never(event)


def import_document(
    ref: ImportRef, progress: Progress, ended: Ended | None, codes: ExitCodes
) -> ImportDocument:
    """Tells all that is known of one import.

    Args:
        ref: The import.
        progress: How far its wait has come.
        ended: Its end, where it has come.
        codes: The exit codes in force.

    Returns:
        The document.
    """
    last = progress.last
    return ImportDocument(
        target=str(ref),
        project=ref.project,
        environment=ref.environment,
        segment=ref.segment,
        import_id=ref.import_id,
        outcome=None if ended is None else ended.outcome,
        exit_code=None if ended is None else codes.code(ended.outcome, ended.signal),
        status=_text(progress.status),
        in_state_s=_seconds_or_none(progress.in_state),
        mode=None if last is None else last.mode,
        created_at=None if last is None or last.created_ms is None else timestamp(last.created_ms / 1000),
        files=[]
        if last is None
        else [FileDocument(filename=f.filename, status=f.status) for f in last.files],
        transitions=[transition_document(transition) for transition in progress.transitions],
        polls=progress.polls,
        throttled=progress.throttled,
        errors=progress.errors,
        elapsed_s=_seconds(progress.elapsed),
        message=None if ended is None else ended.message,
    )


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
        imports=result.imports,
    )


def transition_document(transition: Transition) -> TransitionDocument:
    """Turns a change of status into its document.

    Args:
        transition: The change.

    Returns:
        The document.
    """
    return TransitionDocument(
        from_=_text(transition.source),
        to=str(transition.to),
        at=timestamp(transition.at.unix),
        elapsed_s=_seconds(transition.elapsed),
        in_state_s=_seconds_or_none(transition.in_state),
        expected=transition.expected,
    )


def timestamp(unix: float) -> str:
    """Writes a moment as RFC 3339 in UTC with milliseconds.

    Args:
        unix: Seconds since 1970.

    Returns:
        Such as ``2026-01-05T10:00:00.120Z``.
    """
    moment = datetime.fromtimestamp(unix, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seconds(value: float) -> float:
    return round(value, 3)


def _seconds_or_none(value: float | None) -> float | None:
    return None if value is None else _seconds(value)


def _text(status: Status | None) -> str | None:
    # msgspec encodes no subclasses of str, as an unknown status is one.
    return None if status is None else str(status)
