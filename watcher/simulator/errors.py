"""The error responses of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import uuid4

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

_INVALID_REQUEST: Final = ("invalid_request", None)
_ERRORS: Final[Mapping[int, tuple[str, str | None]]] = {
    401: ("unauthorized", "Invalid access token"),
    404: ("not_found", "Invalid resource identifier"),
    405: ("method_not_allowed", "Method Not Allowed"),
    409: ("conflict", None),
    413: ("invalid_request", "Request Entity Too Large"),
    429: ("rate_limited", "You've exceeded the API rate limit. Try again later."),
    500: ("internal_service_error", "Internal server error"),
}
"""The code for each HTTP status, and its message if that is always the same."""


def error_response(
    status: int, message: str | None = None, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return an error of the API with a new request ID."""
    code, fixed_message = _ERRORS.get(status, _INVALID_REQUEST)
    body = {"code": code, "message": fixed_message or message, "id": str(uuid4())}
    return web.json_response(body, status=status, headers=headers)


def translated(error: web.HTTPException) -> web.Response:
    """Return the API's response for an error that a handler or aiohttp raised."""
    allow = {name: value for name, value in error.headers.items() if name == "Allow"}
    return error_response(error.status, error.text, allow)
