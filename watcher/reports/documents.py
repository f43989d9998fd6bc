"""The JSON that scripts read, as typed documents: the result, each event, and the schema of both."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import reduce
from operator import or_
from typing import TypeVar, assert_never

import msgspec

from watcher.core import events
from watcher.core.exit_codes import ExitCodes
from watcher.core.model import Import, ImportFile, ImportRef
from watcher.core.statuses import Outcome
from watcher.core.text import safe_json

_Seconds = TypeVar("_Seconds", float, float | None)


class TransitionDocument(msgspec.Struct, frozen=True):
    """One change of status; ``from`` and ``in_state_s`` are null for the first status seen."""

    from_: str | None = msgspec.field(name="from")
    to: str
    at: str
    elapsed_s: float
    in_state_s: float | None
    expected: bool


class ImportDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One import's part of the result; until its wait ends ``outcome`` and ``exit_code`` are null."""

    target: str
    project: str
    environment: str
    segment: str
    import_id: str
    outcome: Outcome | None
    exit_code: int | None
    status: str | None
    in_state_s: float | None
    mode: str | None
    created_at: str | None
    files: tuple[ImportFile, ...]
    transitions: tuple[TransitionDocument, ...]
    polls: int
    throttled: int
    errors: int
    elapsed_s: float
    message: str | None


class ResultDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a run; until the end ``outcome``, ``exit_code`` and ``message`` are null.

    ``base_uri`` is null if the run ended before it was known.
    """

    schema_version: int = 1
    outcome: Outcome | None
    exit_code: int | None
    elapsed_s: float
    message: str | None
    base_uri: str | None = None
    imports: list[ImportDocument]


class EventDocument(msgspec.Struct, frozen=True, tag_field="event"):
    """The fields that all events of an import have."""

    at: str
    target: str


class WatchingDocument(EventDocument, frozen=True, tag="watching"):
    """The wait for an import begins."""

    goal: str


class ChangedDocument(EventDocument, frozen=True, tag="transition"):
    """The status of an import changed, or was seen for the first time."""

    from_: str | None = msgspec.field(name="from")
    to: str
    elapsed_s: float
    in_state_s: float | None
    expected: bool


class ThrottledDocument(EventDocument, frozen=True, tag="throttled"):
    """The API responded with 429; ``named_wait_s`` is null if the response named no time."""

    wait_s: float
    named_wait_s: float | None
    in_a_row: int


class RetryDocument(EventDocument, frozen=True, tag="retry"):
    """A request failed and will be retried."""

    error: str
    wait_s: float
    in_a_row: int


class UnknownStatusDocument(EventDocument, frozen=True, tag="unknown_status"):
    """The import has an unknown status."""

    status: str


class HeartbeatDocument(EventDocument, frozen=True, tag="heartbeat"):
    """Nothing has changed for a while; ``waiting`` imports are not final."""

    status: str | None
    in_state_s: float | None
    elapsed_s: float
    polls: int
    waiting: int
    trouble: str | None
    next_poll_s: float | None


class OutcomeDocument(EventDocument, frozen=True, tag="outcome"):
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


def import_document(
    ref: ImportRef, progress: events.Progress, ended: events.Ended | None, codes: ExitCodes
) -> ImportDocument:
    """Return the document of one import; ``ended`` is None until its wait ends."""
    last = progress.last or Import(status="")
    transitions = tuple(
        TransitionDocument(
            one.source,
            one.to,
            timestamp(one.at.unix),
            seconds(one.elapsed),
            seconds(one.in_state),
            one.expected,
        )
        for one in progress.transitions
    )
    return ImportDocument(
        target=str(ref),
        project=ref.project,
        environment=ref.environment,
        segment=ref.segment,
        import_id=ref.import_id,
        outcome=None if ended is None else ended.outcome,
        exit_code=None if ended is None else codes.code_of(ended),
        status=progress.status,
        in_state_s=seconds(progress.in_state),
        mode=last.mode,
        created_at=None if last.created_ms is None else timestamp(last.created_ms / 1000),
        files=last.files,
        transitions=transitions,
        polls=progress.polls,
        throttled=progress.throttled,
        errors=progress.errors,
        elapsed_s=seconds(progress.elapsed),
        message=None if ended is None else ended.message,
    )


def event_document(event: events.Event, codes: ExitCodes) -> EventDocument:
    """Return the document of an event, with the exit code of an outcome."""
    at, target, progress = timestamp(event.at.unix), str(event.ref), event.progress
    state = progress.status, seconds(progress.in_state), seconds(progress.elapsed), progress.polls
    match event:
        case events.Watching():
            return WatchingDocument(at, target, event.goal)
        case events.Changed(transition=new):
            spent = seconds(new.elapsed), seconds(new.in_state)
            return ChangedDocument(at, target, new.source, new.to, *spent, new.expected)
        case events.MetThrottle():
            return ThrottledDocument(
                at, target, seconds(event.wait), seconds(event.named_wait), event.in_a_row
            )
        case events.Retrying():
            return RetryDocument(at, target, event.detail, seconds(event.wait), event.in_a_row)
        case events.MetUnknownStatus():
            return UnknownStatusDocument(at, target, event.status)
        case events.Heartbeat():
            return HeartbeatDocument(
                at, target, *state, event.waiting, event.trouble, seconds(event.next_poll)
            )
        case events.Ended():
            return OutcomeDocument(at, target, event.outcome, codes.code_of(event), *state, event.message)
        case _:
            assert_never(event)


def to_json(document: object) -> bytes:
    """Return a document as JSON that is safe to print, also for a CI service."""
    return safe_json(msgspec.json.encode(document))


def json_schema() -> str:
    """Return a JSON Schema (2020-12) for one result, or one event of ``jsonl``."""
    events_of_imports = reduce(or_, EventDocument.__subclasses__())
    kinds = (ResultDocument, events_of_imports, ResultEventDocument)
    schemas, definitions = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The result of watcher, or one of its events",
        "anyOf": list(schemas),
        "$defs": definitions,
    }
    return json.dumps(schema, indent=2)


def timestamp(unix: float) -> str:
    """Format Unix seconds as UTC (RFC 3339) with milliseconds, such as ``2026-01-05T10:00:00.120Z``."""
    moment = datetime.fromtimestamp(unix, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(value: _Seconds) -> _Seconds:
    """Round seconds to milliseconds; None stays None."""
    if value is None:
        return None
    return round(value, 3)
