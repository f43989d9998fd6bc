"""What a state file says: JSON, read strictly, for a part that cannot be trusted leaves none that can."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from watcher.state.entries import Entry, HoldEntry, ImportEntry
from watcher.state.errors import DamagedError

VERSION = 1
"""Of the format; any change of it is another version, which an earlier watcher sets aside."""

_PROGRAM = "watcher"

# RecursionError comes from deep nesting, UnicodeDecodeError from text that is not UTF-8.
_DECODE_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Document(Entry, frozen=True, kw_only=True):
    """All that is kept.

    Attributes:
        imports: What is kept of each import.
        holds: What is kept of each base URI's rate limits.
    """

    imports: list[ImportEntry]
    holds: list[HoldEntry]


class _Encoded(msgspec.Struct, frozen=True, kw_only=True):
    """The same with entries that are encoded already: of thousands, a change alters one."""

    imports: list[msgspec.Raw]
    holds: list[HoldEntry]


class _Envelope(msgspec.Struct, frozen=True):
    """Whose file it is, and what tells that no byte of it was changed since."""

    program: str = ""
    version: int = 0
    sha256: str = ""
    state: msgspec.Raw = msgspec.Raw()


def encode(imports: list[msgspec.Raw], holds: list[HoldEntry]) -> bytes:
    """Writes a state file's content.

    Args:
        imports: The entries of imports, each encoded.
        holds: The entries of base URIs.

    Returns:
        JSON in UTF-8, with a line end.
    """
    state = msgspec.json.encode(_Encoded(imports=imports, holds=holds))
    envelope = _Envelope(_PROGRAM, VERSION, sha256(state).hexdigest(), msgspec.Raw(state))
    return msgspec.json.encode(envelope) + b"\n"


def encode_entry(entry: ImportEntry) -> msgspec.Raw:
    """Writes one import's entry, once for any number of ``encode``.

    Args:
        entry: The entry.

    Returns:
        Its JSON.
    """
    return msgspec.Raw(msgspec.json.encode(entry))


def decode(content: bytes) -> Document:
    """Reads a state file's content.

    Args:
        content: What the file holds, whoever wrote it.

    Returns:
        The document; each of its entries can be read back.

    Raises:
        DamagedError: It is damaged, another program's, or of a later version.
    """
    try:
        envelope = msgspec.json.decode(content, type=_Envelope)
    except _DECODE_ERRORS:
        raise DamagedError("is damaged or no state file") from None
    if envelope.program != _PROGRAM:
        raise DamagedError("is no state file of watcher's")
    if envelope.version > VERSION:
        raise DamagedError(f"is of version {envelope.version}, which a later watcher wrote")
    if envelope.version < VERSION or envelope.sha256 != sha256(envelope.state).hexdigest():
        raise DamagedError("is damaged")
    try:
        document = msgspec.json.decode(envelope.state, type=Document)
        for entry in document.imports:
            entry.memory()
    except (*_DECODE_ERRORS, ValueError, OverflowError):
        raise DamagedError("is damaged") from None
    return document
