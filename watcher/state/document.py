"""The format of a state file: JSON with one import a line, read strictly.

Every value is checked, because a file that is not what this program wrote must neither break a run nor write
control characters to a terminal.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from watcher.core.model import LATEST_CREATION_MS, ImportFile, ImportRef, Instant, Transition
from watcher.core.statuses import ImportStatus, Outcome, parse_status
from watcher.core.text import printable
from watcher.core.wait.saved import SavedHold, SavedWait
from watcher.state.disk import UnusableError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watcher.core.events import Ended
    from watcher.core.model import Import
    from watcher.core.statuses import Status

VERSION = 2
"""Version of the format; increase it with every change."""

_PROGRAM = "watcher"
_TIMES = (-6e10, 2e11)
"""Unix seconds that every report can format: the years 69 to 8307."""
_LONGEST = 1e11
_MOST = 1 << 53
_ENCODER = msgspec.json.Encoder()


class Reported(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the last run that reported an import's outcome reported it."""

    outcome: Outcome
    status: str | None

    @classmethod
    def of(cls, end: Ended) -> Reported:
        """Return what is reported of an outcome."""
        return cls(end.outcome, end.progress.status)


class ImportEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One import.

    Attributes:
        base_uri: The API that the import belongs to.
        ref: The import.
        used_at: When a run last used the entry, in Unix seconds.
        wait: The wait.
        reported: The last reported outcome; None if none was reported.
    """

    base_uri: str
    ref: ImportRef
    used_at: float
    wait: SavedWait
    reported: Reported | None = None


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole state file.

    Attributes:
        program: The program that wrote the file.
        version: The version of the format.
        imports: All imports, of this and of other commands.
        holds: The hold of each base URI: imports of one account share its rate limits.
    """

    program: str = _PROGRAM
    version: int = VERSION
    imports: list[ImportEntry] = []
    holds: dict[str, SavedHold] = {}


class _Header(msgspec.Struct, frozen=True):
    program: str = ""
    version: int = 0


def encode_entry(entry: ImportEntry) -> bytes:
    """Return one import's line, so that a change of one import encodes only that import."""
    return _ENCODER.encode(entry)


def encode(lines: Iterable[bytes], holds: dict[str, SavedHold]) -> bytes:
    """Return the content of a state file.

    Args:
        lines: The imports, from ``encode_entry``.
        holds: The hold of each base URI.

    Returns:
        JSON in UTF-8.
    """
    head = b'{"program":"%s","version":%d,"holds":%s,"imports":[\n'
    start = head % (_PROGRAM.encode(), VERSION, _ENCODER.encode(holds))
    return b"".join((start, b",\n".join(lines), b"\n]}\n"))


def decode(content: bytes) -> Document:
    """Return the document in a state file.

    Args:
        content: The content of the file, whoever wrote it.

    Returns:
        The document; every text is safe to print and every time can be formatted.

    Raises:
        UnusableError: The file is damaged, or was written by another program or another version.
    """
    try:
        document = msgspec.json.decode(content, type=Document)
        _require((document.program, document.version) == (_PROGRAM, VERSION))
        _require(all(_is_time(hold.until) and _is_time(hold.resume_at) for hold in document.holds.values()))
        imports = [msgspec.structs.replace(entry, wait=_checked(entry)) for entry in document.imports]
    except (msgspec.MsgspecError, RecursionError, ValueError):
        raise UnusableError(_reason(content)) from None
    return msgspec.structs.replace(document, imports=imports)


def _reason(content: bytes) -> str:
    try:
        header = msgspec.json.decode(content, type=_Header)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return "is damaged or not a state file"
    if header.program != _PROGRAM:
        return "is not a state file of watcher"
    if header.version == VERSION:
        return "is damaged"
    return f"was written by {'a later' if header.version > VERSION else 'an earlier'} version of watcher"


def _checked(entry: ImportEntry) -> SavedWait:
    """Return the wait with known statuses as members of ImportStatus."""
    wait = entry.wait
    _require(_is_time(wait.began) and _is_time(entry.used_at))
    _require((wait.since is None) == (wait.last is None))
    _require(wait.since is None or _is_time(wait.since))
    _require(all(0 <= count <= _MOST for count in (wait.polls, wait.throttled, wait.errors)))
    return replace(
        wait,
        last=None if wait.last is None else _checked_import(wait.last),
        transitions=tuple(map(_checked_transition, wait.transitions)),
    )


def _checked_import(last: Import) -> Import:
    _require(last.created_ms is None or 0 <= last.created_ms <= LATEST_CREATION_MS)
    files = tuple(ImportFile(_safe(file.filename), _safe(file.status)) for file in last.files)
    return replace(last, status=_status(last.status), mode=_safe(last.mode), files=files)


def _checked_transition(transition: Transition) -> Transition:
    elapsed, in_state, unix = transition.elapsed, transition.in_state, transition.at.unix
    _require(_is_time(unix) and 0 <= elapsed <= _LONGEST and 0 <= (in_state or 0) <= _LONGEST)
    source = None if transition.source is None else _status(transition.source)
    at = Instant(0.0, unix)  # another run's monotonic clock means nothing
    return Transition(source, _status(transition.to), at, elapsed, in_state, transition.expected)


@lru_cache
def _status(name: str) -> Status:
    known = parse_status(name)
    _safe(name)
    return known if isinstance(known, ImportStatus) else name


@lru_cache
def _safe(text: str | None) -> str | None:
    _require(text is None or printable(text, limit=len(text)) == text)
    return text


def _is_time(unix: float) -> bool:
    earliest, latest = _TIMES
    return earliest <= unix <= latest


def _require(condition: object) -> None:
    if not condition:
        raise ValueError
