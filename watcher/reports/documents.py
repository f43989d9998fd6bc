"""The JSON result that scripts rely on, as typed documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from watcher.core.statuses import Outcome
from watcher.reports.values import seconds, seconds_or_none, status_text, timestamp

if TYPE_CHECKING:
    from watcher.core.events import Ended, Progress
    from watcher.core.exit_codes import ExitCodes
    from watcher.core.model import ImportRef, Transition

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
    outcome: Outcome | None
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
    outcome: Outcome | None
    exit_code: int | None
    elapsed_s: float
    message: str | None
    imports: list[ImportDocument]


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
        status=status_text(progress.status),
        in_state_s=seconds_or_none(progress.in_state),
        mode=None if last is None else last.mode,
        created_at=None if last is None or last.created_ms is None else timestamp(last.created_ms / 1000),
        files=[]
        if last is None
        else [FileDocument(filename=f.filename, status=f.status) for f in last.files],
        transitions=[transition_document(transition) for transition in progress.transitions],
        polls=progress.polls,
        throttled=progress.throttled,
        errors=progress.errors,
        elapsed_s=seconds(progress.elapsed),
        message=None if ended is None else ended.message,
    )


def transition_document(transition: Transition) -> TransitionDocument:
    """Turns a change of status into its document.

    Args:
        transition: The change.

    Returns:
        The document.
    """
    return TransitionDocument(
        from_=status_text(transition.source),
        to=str(transition.to),
        at=timestamp(transition.at.unix),
        elapsed_s=seconds(transition.elapsed),
        in_state_s=seconds_or_none(transition.in_state),
        expected=transition.expected,
    )
