"""The body of a create request: a multipart form, read as a stream because its file may be large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import BodyPartReader

from watcher.simulator.errors import invalid_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web

MAXIMUM_FILE_BYTES: Final = 40_000_000
_MAXIMUM_FIELD_BYTES: Final = 1000
_CHUNK_BYTES: Final = 65_536
_BOOLEANS: Final = {"true": True, "false": False, "": False}


@dataclass(frozen=True, slots=True)
class Upload:
    """What the creator of an import asked for.

    Args:
        filename: The name of the CSV file.
        mode: How the keys are imported, ``merge`` or ``replace``.
        wait_on_approvals: Whether the import waits until somebody approves it.
    """

    filename: str
    mode: str
    wait_on_approvals: bool


async def read_upload(request: web.Request) -> Upload:
    """Reads the whole form; of the file only its size matters, so it is never kept.

    Returns:
        The form's fields, checked.

    Raises:
        ApiError: The form is not one, a field is missing or invalid, or the file is too large.
    """
    if request.content_type != "multipart/form-data":
        raise invalid_request("The request body must be multipart/form-data with the fields file and mode")
    filename: str | None = None
    fields = {"mode": "", "waitOnApprovals": ""}
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                continue
            if part.name == "file":
                filename = part.filename or "import.csv"
                async for _ in _chunks(part, MAXIMUM_FILE_BYTES):
                    pass
            elif part.name in fields:
                value = b"".join([chunk async for chunk in _chunks(part, _MAXIMUM_FIELD_BYTES)])
                fields[part.name] = value.decode(errors="replace").strip()
    except ValueError:
        raise invalid_request("The request body is not well-formed multipart/form-data") from None
    return _check(filename, fields["mode"], fields["waitOnApprovals"])


async def _chunks(part: BodyPartReader, maximum: int) -> AsyncIterator[bytes]:
    size = 0
    while not part.at_eof():
        chunk = await part.read_chunk(_CHUNK_BYTES)
        size += len(chunk)
        if size > maximum:
            raise invalid_request(f"The field {part.name} is larger than {maximum} bytes")
        yield chunk


def _check(filename: str | None, mode: str, wait_on_approvals: str) -> Upload:
    if filename is None:
        raise invalid_request("The field file is missing: it must be a CSV file with the context keys")
    if mode not in {"merge", "replace"}:
        raise invalid_request(f"The field mode must be merge or replace, not {mode!r}")
    waits = _BOOLEANS.get(wait_on_approvals.lower())
    if waits is None:
        raise invalid_request(f"The field waitOnApprovals must be true or false, not {wait_on_approvals!r}")
    return Upload(filename, mode, waits)
