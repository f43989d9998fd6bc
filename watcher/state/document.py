"""The format of a state file: JSON with one import a line, read strictly.

Every value is checked, because a file that is not what this program wrote must neither break a run nor write
control characters to a terminal. The types of the fields limit the numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from watcher.core.events import Ended
from watcher.core.model import ImportRef, UnixTime
from watcher.core.statuses import Outcome
from watcher.core.wait.saved import SavedHold, SavedWait
from watcher.state.disk import UnusableError

PROGRAM = "watcher"
_VERSION = 2
"""Version of the format; increase it with every change except a new field that older files may lack."""

_ENCODER = msgspec.json.Encoder()
_Document = TypeVar("_Document")


class Reported(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An import's outcome and status as a run last reported them."""

    outcome: Outcome
    status: str | None

    @classmethod
    def from_end(cls, end: Ended) -> Reported:
        """Return outcome and status of a final event."""
        return cls(end.outcome, end.progress.status)


class ImportEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One import; ``used_at`` is when a run last used the entry.

    ``seal`` proves that a run with the same access token saw the final status; other entries need none.
    """

    base_uri: str
    ref: ImportRef
    used_at: UnixTime
    wait: SavedWait
    reported: Reported | None = None
    seal: str | None = None

    @property
    def sealed_text(self) -> str:
        """What ``seal`` is made of: the import, where it is, and its status."""
        status = None if self.wait.last is None else self.wait.last.status
        return msgspec.json.encode((self.base_uri, *self.ref.keys, status)).decode()


class Header(msgspec.Struct, frozen=True):
    """The part of a saved document that every version has."""

    program: str = ""
    version: int = 0


class Document(Header, frozen=True, forbid_unknown_fields=True):
    """A whole state file: the imports of all commands, and the hold of each base URI.

    Imports of one account share its rate limits, so they share a hold.
    """

    imports: list[ImportEntry] = []
    holds: dict[str, SavedHold] = {}


def encode_entry(entry: ImportEntry) -> bytes:
    """Return one import's line, so that a change of one import encodes only that import."""
    return _ENCODER.encode(entry)


def encode(lines: Iterable[bytes], holds: dict[str, SavedHold]) -> bytes:
    """Return the content of a state file; ``lines`` are those of ``encode_entry``."""
    head = b'{"program":"%s","version":%d,"holds":%s,"imports":[\n'
    start = head % (PROGRAM.encode(), _VERSION, _ENCODER.encode(holds))
    return b"".join((start, b",\n".join(lines), b"\n]}\n"))


def decode(content: bytes) -> Document:
    """Return the document in a state file; every text is safe to print and every time can be formatted.

    Raises:
        UnusableError: The file is damaged, or was written by another program or another version.
    """

    def read() -> Document:
        document = msgspec.json.decode(content, type=Document)
        imports = [msgspec.structs.replace(entry, wait=entry.wait.checked()) for entry in document.imports]
        return msgspec.structs.replace(document, imports=imports)

    return decode_version(content, _VERSION, read)


def decode_version(content: bytes | str, version: int, read: Callable[[], _Document]) -> _Document:
    """Return what ``read`` makes of a saved document, if the document has this version of its format.

    Raises:
        UnusableError: The document is damaged, or was written by another program or another version.
    """
    try:
        header = msgspec.json.decode(content, type=Header)
        if header.program != PROGRAM:
            raise UnusableError("is not a state of watcher")
        if header.version != version:
            age = "a later" if header.version > version else "an earlier"
            raise UnusableError(f"was written by {age} version of watcher")
        return read()
    except (msgspec.MsgspecError, RecursionError, ValueError):
        raise UnusableError("is damaged") from None
