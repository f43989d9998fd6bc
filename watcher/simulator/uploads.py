"""The multipart form of a create request."""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from aiohttp import web

MAXIMUM_FILE_BYTES: Final = 40_000_000
MAXIMUM_FORM_BYTES: Final = MAXIMUM_FILE_BYTES + 100_000
_BOOLEANS: Final = {"true": True, "false": False, "": False}


class Upload(NamedTuple):
    """The fields of the form; the simulator does not keep the file's content."""

    filename: str
    mode: str
    wait_on_approvals: bool


async def read_upload(request: web.Request) -> Upload:
    """Read the form.

    Raises:
        web.HTTPBadRequest: The body is not a form, or a field is missing or invalid.
        web.HTTPRequestEntityTooLarge: The file is too large.
    """
    if request.content_type != "multipart/form-data":
        raise web.HTTPBadRequest(
            text="The request body must be multipart/form-data with the fields file and mode"
        )
    too_large = web.HTTPRequestEntityTooLarge(
        MAXIMUM_FILE_BYTES,
        request.content_length or 0,
        text=f"The field file is larger than {MAXIMUM_FILE_BYTES} bytes",
    )
    try:
        form = await request.post()
    except web.HTTPRequestEntityTooLarge:
        raise too_large from None
    except ValueError:
        raise web.HTTPBadRequest(text="The request body is not well-formed multipart/form-data") from None
    file, mode, wait = form.get("file"), form.get("mode", ""), str(form.get("waitOnApprovals", ""))
    if not isinstance(file, web.FileField):
        raise web.HTTPBadRequest(
            text="The field file is missing: it must be a CSV file with the context keys"
        )
    if file.file.seek(0, os.SEEK_END) > MAXIMUM_FILE_BYTES:
        raise too_large
    if mode not in ("merge", "replace"):
        raise web.HTTPBadRequest(text=f"The field mode must be merge or replace, not {mode!r}")
    waits = _BOOLEANS.get(wait.lower())
    if waits is None:
        raise web.HTTPBadRequest(text=f"The field waitOnApprovals must be true or false, not {wait!r}")
    return Upload(file.filename, str(mode), waits)
