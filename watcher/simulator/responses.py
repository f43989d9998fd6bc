"""The error responses of the API, and pages of gateways, as seen in public records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

_INVALID_REQUEST: Final = ("invalid_request", "Invalid request body")
_ERRORS: Final[Mapping[int, tuple[str, str]]] = {
    401: ("unauthorized", "Invalid account ID header"),
    403: ("forbidden", "Access to the requested resource was denied"),
    404: ("not_found", "Invalid resource identifier"),
    405: ("method_not_allowed", "Method Not Allowed"),
    409: ("optimistic_locking_error", "Conflict. Optimistic lock error. Try again later."),
    413: ("request_entity_too_large", "Request Entity Too Large"),
    429: ("rate_limited", "You've exceeded the API rate limit. Try again later."),
    500: ("internal_service_error", "Internal server error"),
    503: ("service_unavailable", "Requested service unavailable"),
}
"""The usual code and message for each HTTP status."""


def error_response(
    status: int,
    message: str | None = None,
    *,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
    **fields: object,
) -> web.Response:
    """Return an error of the API; the default code and message are those of the status."""
    usual_code, usual_message = _ERRORS.get(status, _INVALID_REQUEST)
    body = {"code": code or usual_code, "message": message or usual_message, **fields}
    return web.json_response(body, status=status, headers=headers)


def page(
    status: int, title: str, *, server: str | None = None, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return an HTML page; a page of a gateway names its ``server``."""
    text = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        f"<hr><center>{server or 'LaunchDarkly'}</center>\r\n</body>\r\n</html>\r\n"
    )
    fields = ({"Server": server} if server else {}) | dict(headers or {})
    return web.Response(status=status, text=text, content_type="text/html", headers=fields)
