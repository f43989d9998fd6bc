"""What an answer that speaks against going on means: an outcome, and its words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, assert_never

from watcher.core.answers.replies import Denied, Missing, Redirected, Refused, WrongImport
from watcher.core.statuses import Outcome

ErrorReply: TypeAlias = Missing | Denied | Refused | Redirected | WrongImport
"""The answers that speak against going on."""


@dataclass(frozen=True, slots=True)
class Failure:
    """How the wait ends if it does not go on, as after an answer that speaks against that.

    Attributes:
        outcome: How the wait ends if it is believed.
        what: What happened, as the beginning of a sentence.
        detail: The error alone.
    """

    outcome: Outcome
    what: str
    detail: str


def verdict(reply: ErrorReply, *, seen: bool) -> Failure:
    """Says what an adverse answer means.

    Args:
        reply: The answer.
        seen: Whether the import was seen before.

    Returns:
        The outcome and its words.
    """
    match reply:
        case Missing(error):
            what = "the import is gone" if seen else "there is no such import"
            return Failure(Outcome.NOT_FOUND, f"{what}: {error}", str(error))
        case Denied(error):
            return Failure(Outcome.UNAUTHORIZED, f"the access token was refused: {error}", str(error))
        case Refused(error):
            return Failure(Outcome.PROTOCOL, f"the API refused the request: {error}", str(error))
        case Redirected(error, location):
            detail = f"{error} to {location}" if location else f"{error} without a Location"
            return Failure(Outcome.PROTOCOL, f"a redirect came, which is not followed: {detail}", detail)
        case WrongImport(field, expected, actual):
            detail = f'"{field}" is "{actual}", not "{expected}"'
            return Failure(Outcome.PROTOCOL, f"the answer is about another import: {detail}", detail)
        case _:
            assert_never(reply)
