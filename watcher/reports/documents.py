"""The JSON result that scripts read, as typed documents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, overload

import msgspec

from watcher.core.model import Import, ImportFile
from watcher.core.statuses import Outcome

if TYPE_CHECKING:
    from watcher.core.events import Ended, Progress
    from watcher.core.exit_codes import ExitCodes
    from watcher.core.model import ImportRef, Transition

SCHEMA_VERSION = 1

_NOT_SEEN = Import(status="")


class TransitionDocument(msgspec.Struct, frozen=True, kw_only=True):
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
    """The result of a run; until the end ``outcome``, ``exit_code`` and ``message`` are null."""

    schema_version: int = SCHEMA_VERSION
    outcome: Outcome | None
    exit_code: int | None
    elapsed_s: float
    message: str | None
    imports: list[ImportDocument]


def import_document(
    ref: ImportRef, progress: Progress, ended: Ended | None, codes: ExitCodes
) -> ImportDocument:
    """Return the document of one import; ``ended`` is None until its wait ends."""
    last = progress.last or _NOT_SEEN
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
        transitions=tuple(map(transition_document, progress.transitions)),
        polls=progress.polls,
        throttled=progress.throttled,
        errors=progress.errors,
        elapsed_s=seconds(progress.elapsed),
        message=None if ended is None else ended.message,
    )


def transition_document(transition: Transition) -> TransitionDocument:
    """Return the document of a change of status."""
    return TransitionDocument(
        from_=transition.source,
        to=transition.to,
        at=timestamp(transition.at.unix),
        elapsed_s=seconds(transition.elapsed),
        in_state_s=seconds(transition.in_state),
        expected=transition.expected,
    )


def timestamp(unix: float) -> str:
    """Format Unix seconds as UTC (RFC 3339) with milliseconds, such as ``2026-01-05T10:00:00.120Z``."""
    moment = datetime.fromtimestamp(unix, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@overload
def seconds(value: float) -> float: ...
@overload
def seconds(value: None) -> None: ...
@overload
def seconds(value: float | None) -> float | None: ...
def seconds(value: float | None) -> float | None:
    """Round seconds to milliseconds; None stays None."""
    return None if value is None else round(value, 3)
