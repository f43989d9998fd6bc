"""The parts of a state file: what is kept of imports and of rate limits, as typed entries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from watcher.core.model import LATEST_CREATION_MS, Import, ImportFile, ImportRef, Instant, Transition
from watcher.core.statuses import Outcome, Status, parse_status
from watcher.core.text import printable
from watcher.core.wait.saved import SavedHold, SavedWait, Stamp

_Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e10)]
_CREDIBLE = (datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))
"""Moments that can be moved by any of these lengths and still be written."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts of the file have in common: no unknown field, and no absurd moment.

    Raises:
        ValueError: A moment is more than a century old or thousands of years ahead.
    """

    def __post_init__(self) -> None:
        """Judges the moments."""
        earliest, latest = _CREDIBLE
        for name in self.__struct_fields__:
            moment = getattr(self, name)
            if isinstance(moment, datetime) and not earliest <= moment <= latest:
                raise ValueError(name)


class StampEntry(Entry, frozen=True, kw_only=True):
    """When an entry was kept, and on which start of the machine."""

    at: _Moment
    boot: str | None
    uptime_s: _Seconds

    @classmethod
    def of(cls, stamp: Stamp) -> StampEntry:
        """Writes a stamp down."""
        return cls(at=_moment(stamp.unix), boot=stamp.boot, uptime_s=max(0.0, stamp.uptime))

    def stamp(self) -> Stamp:
        """Reads it back."""
        return Stamp(self.at.timestamp(), self.boot, self.uptime_s)


class FileEntry(Entry, frozen=True, kw_only=True):
    """One file of an import."""

    filename: str | None
    status: str | None

    def file(self) -> ImportFile:
        """Reads the file back."""
        return ImportFile(_safe_or_none(self.filename), _safe_or_none(self.status))


class LastEntry(Entry, frozen=True, kw_only=True):
    """The last answer that showed an import."""

    status: str
    since: _Moment
    mode: str | None
    created_ms: Annotated[int, msgspec.Meta(ge=0, le=LATEST_CREATION_MS)] | None
    files: list[FileEntry]

    def last(self) -> Import:
        """Reads the import back."""
        files = tuple(file.file() for file in self.files)
        return Import(_status(self.status), _safe_or_none(self.mode), self.created_ms, files)


class TransitionEntry(Entry, frozen=True, kw_only=True):
    """One change of status, as it was told."""

    source: str | None = msgspec.field(name="from")
    to: str
    at: _Moment
    elapsed_s: _Seconds
    in_state_s: _Seconds | None
    expected: bool

    @classmethod
    def of(cls, transition: Transition) -> TransitionEntry:
        """Writes a transition down."""
        return cls(
            source=None if transition.source is None else str(transition.source),
            to=str(transition.to),
            at=_moment(transition.at.unix),
            elapsed_s=transition.elapsed,
            in_state_s=transition.in_state,
            expected=transition.expected,
        )

    def transition(self) -> Transition:
        """Reads it back; of its moment, the monotonic clock's part is lost."""
        source = None if self.source is None else _status(self.source)
        at = Instant(0.0, self.at.timestamp())
        return Transition(source, _status(self.to), at, self.elapsed_s, self.in_state_s, self.expected)


class EndEntry(Entry, frozen=True, kw_only=True):
    """How the last run that came to its end told the import: a later one that finds the same has no news."""

    outcome: Outcome
    status: str | None


class ImportEntry(Entry, frozen=True, kw_only=True):
    """All that is kept of one import."""

    base_uri: str
    project: str
    environment: str
    segment: str
    import_id: str
    kept: StampEntry
    began: _Moment
    last: LastEntry | None
    transitions: list[TransitionEntry]
    polls: _Count
    throttled: _Count
    errors: _Count
    end: EndEntry | None

    @classmethod
    def of(
        cls, base_uri: str, ref: ImportRef, memory: SavedWait, end: EndEntry | None, stamp: Stamp
    ) -> ImportEntry:
        """Writes a memory down."""
        return cls(
            base_uri=base_uri,
            project=ref.project,
            environment=ref.environment,
            segment=ref.segment,
            import_id=ref.import_id,
            kept=StampEntry.of(stamp),
            began=_moment(memory.began),
            last=_last(memory),
            transitions=[TransitionEntry.of(transition) for transition in memory.transitions],
            polls=memory.polls,
            throttled=memory.throttled,
            errors=memory.errors,
            end=end,
        )

    @property
    def ref(self) -> ImportRef:
        """The import."""
        return ImportRef(self.project, self.environment, self.segment, self.import_id)

    def memory(self) -> SavedWait:
        """Reads the memory back."""
        return SavedWait(
            began=self.began.timestamp(),
            since=None if self.last is None else self.last.since.timestamp(),
            last=None if self.last is None else self.last.last(),
            transitions=tuple(entry.transition() for entry in self.transitions),
            polls=self.polls,
            throttled=self.throttled,
            errors=self.errors,
        )


class HoldEntry(Entry, frozen=True, kw_only=True):
    """A stretch without requests, for all imports of one base URI: they share the account's limits."""

    base_uri: str
    kept: StampEntry
    until: _Moment
    resume_at: _Moment
    named: bool

    @classmethod
    def of(cls, base_uri: str, hold: SavedHold, stamp: Stamp) -> HoldEntry:
        """Writes a hold down."""
        return cls(
            base_uri=base_uri,
            kept=StampEntry.of(stamp),
            until=_moment(hold.until),
            resume_at=_moment(hold.resume_at),
            named=hold.named,
        )

    def hold(self) -> SavedHold:
        """Reads it back."""
        return SavedHold(self.until.timestamp(), self.resume_at.timestamp(), self.named)


def _last(memory: SavedWait) -> LastEntry | None:
    if memory.last is None or memory.since is None:
        return None
    files = [FileEntry(filename=file.filename, status=file.status) for file in memory.last.files]
    return LastEntry(
        status=str(memory.last.status),
        since=_moment(memory.since),
        mode=memory.last.mode,
        created_ms=memory.last.created_ms,
        files=files,
    )


def _moment(unix: float) -> datetime:
    return datetime.fromtimestamp(unix, UTC)


def _status(name: str) -> Status:
    return parse_status(_safe(name))


def _safe_or_none(text: str | None) -> str | None:
    return None if text is None else _safe(text)


def _safe(text: str) -> str:
    """Refuses text that was not made safe to print, for watcher keeps no other."""
    if printable(text, limit=len(text)) != text:
        raise ValueError
    return text
