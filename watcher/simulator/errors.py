"""The error responses of the API."""

from __future__ import annotations

from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import uuid4

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping


class Error(Enum):
    """Every error of the API: its HTTP status, its code, and its default message."""

    INVALID_REQUEST = (HTTPStatus.BAD_REQUEST, "invalid_request", "Invalid request body")
    UNAUTHORIZED = (HTTPStatus.UNAUTHORIZED, "unauthorized", "Invalid access token")
    NOT_FOUND = (HTTPStatus.NOT_FOUND, "not_found", "Invalid resource identifier")
    METHOD_NOT_ALLOWED = (HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", "Method Not Allowed")
    CONFLICT = (HTTPStatus.CONFLICT, "conflict", "Conflict")
    TOO_LARGE = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "invalid_request", "Request Entity Too Large")
    RATE_LIMITED = (
        HTTPStatus.TOO_MANY_REQUESTS,
        "rate_limited",
        "You've exceeded the API rate limit. Try again later.",
    )
    INTERNAL = (HTTPStatus.INTERNAL_SERVER_ERROR, "internal_service_error", "Internal server error")


class ApiError(Exception):
    """A request that fails with an error of the API; handlers raise it.

    Args:
        error: The error.
        message: Replaces the default message.
        headers: Further response headers.
    """

    def __init__(
        self, error: Error, message: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status, self.code, default_message = error.value
        self.message = default_message if message is None else message
        self.headers = headers
        super().__init__(self.message)

    def response(self) -> web.Response:
        """Return the response, with a new request ID."""
        body = {"code": self.code, "message": self.message, "id": str(uuid4())}
        return web.json_response(body, status=self.status, headers=self.headers)


def invalid_request(message: str) -> ApiError:
    """Return the error for a request that the API cannot accept."""
    return ApiError(Error.INVALID_REQUEST, message)


def from_http(exception: web.HTTPException) -> ApiError:
    """Return the API's error for one that aiohttp raised, such as an unknown path or a wrong method."""
    for error in (Error.NOT_FOUND, Error.METHOD_NOT_ALLOWED, Error.TOO_LARGE):
        if error.value[0] == exception.status:
            allow = {name: value for name, value in exception.headers.items() if name == "Allow"}
            return ApiError(error, headers=allow)
    return ApiError(Error.INVALID_REQUEST)
