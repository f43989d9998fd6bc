"""The API's errors: what a handler raises, and the body that becomes of it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import uuid4

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping


class ApiError(Exception):
    """A request that ends with an error of the API.

    Args:
        status: The HTTP status.
        code: The API's word for the class of the error.
        message: What went wrong, for people.
        headers: Headers that the response has besides.
    """

    def __init__(
        self, status: HTTPStatus, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers

    def response(self) -> web.Response:
        """Makes the response, with an identifier of its own."""
        body = {"code": self.code, "message": self.message, "id": str(uuid4())}
        return web.json_response(body, status=self.status, headers=self.headers)


def invalid_request(message: str) -> ApiError:
    """Makes the error for a request that cannot be understood."""
    return ApiError(HTTPStatus.BAD_REQUEST, "invalid_request", message)


def unauthorized() -> ApiError:
    """Makes the error for a missing or wrong access token."""
    return ApiError(HTTPStatus.UNAUTHORIZED, "unauthorized", "Invalid access token")


def not_found() -> ApiError:
    """Makes the error for something that does not exist; the API does not say which key it is."""
    return ApiError(HTTPStatus.NOT_FOUND, "not_found", "Invalid resource identifier")


def conflict(message: str) -> ApiError:
    """Makes the error for a request that another import stands in the way of."""
    return ApiError(HTTPStatus.CONFLICT, "conflict", message)


def rate_limited(headers: Mapping[str, str] | None = None) -> ApiError:
    """Makes the error for one request too many, with the headers that say how long to wait."""
    message = "You've exceeded the API rate limit. Try again later."
    return ApiError(HTTPStatus.TOO_MANY_REQUESTS, "rate_limited", message, headers)


def from_http(exception: web.HTTPException) -> ApiError:
    """Makes the API's error of one that the HTTP server raised, such as an unknown path or a wrong method."""
    status = HTTPStatus(exception.status)
    if status is HTTPStatus.NOT_FOUND:
        return not_found()
    code = "method_not_allowed" if status is HTTPStatus.METHOD_NOT_ALLOWED else "invalid_request"
    allow = {name: value for name, value in exception.headers.items() if name == "Allow"}
    return ApiError(status, code, status.phrase, allow)
