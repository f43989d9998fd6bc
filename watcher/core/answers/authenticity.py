"""Decide whether an error comes from LaunchDarkly or from something in between."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from watcher.core.answers.lenient import read_object, read_value
from watcher.core.answers.quoting import error_in
from watcher.core.answers.replies import BODY_LIMIT, Answer, ApiError


def error_of(answer: Answer) -> ApiError | None:
    """Return LaunchDarkly's own error in a response; None if something else may have sent it.

    LaunchDarkly sends a JSON object with a string ``code`` and a string ``message`` (both are required by its
    OpenAPI document), or a 401 with an empty body. Gateways send pages, or at most one of the two.
    """
    if answer.broken is not None or len(answer.body) > BODY_LIMIT:
        return None
    if not answer.body.strip():
        return ApiError(answer.status) if answer.status == HTTPStatus.UNAUTHORIZED else None
    members = read_object(answer.body)
    return None if members is None or not is_error(members) else error_in(members, answer)


def is_error(members: Mapping[str, str]) -> bool:
    """Return whether the members of a JSON object make an error of the API, each value as JSON text."""
    return all(isinstance(read_value(members.get(name)), str) for name in ("code", "message"))
