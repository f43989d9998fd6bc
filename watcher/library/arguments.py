"""Check the arguments of the library: not every program uses a type checker."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from watcher.api.hosts import parse_base_uri
from watcher.api.targets import Target, target_of
from watcher.api.token import Secret, check_token
from watcher.api.token_sources import TokenFunction, TokenSource
from watcher.core.errors import UsageError
from watcher.core.events import Event
from watcher.core.model import ImportRef
from watcher.core.policy import Policy
from watcher.core.text import printable
from watcher.core.wait.saved import SavedState
from watcher.state import snapshot

Token: TypeAlias = str | Path | Callable[[], Awaitable[str]]


def parse_targets(refs: object) -> list[Target]:
    """Return the targets of a watch.

    Raises:
        UsageError: There is none, or one names no import.
    """
    if isinstance(refs, str) or not isinstance(refs, Iterable):  # types allow a str
        raise UsageError("refs must be a list of imports. For one import write [ref].")
    targets = [target_of(ref) for ref in refs]
    if not targets:
        raise UsageError("refs is empty. Name at least one import.")
    return targets


def positive(name: str, length: object) -> float:
    """Return a length of time in seconds.

    Raises:
        UsageError: It is not greater than 0; the message begins with ``name``.
    """
    if not (isinstance(length, int | float) and length > 0):  # also rejects nan
        shown = printable(repr(length))
        raise UsageError(f"{name} must be more than 0 seconds, not {shown}. Use math.inf for no limit.")
    return length


@dataclass(frozen=True, slots=True)
class WrongToken:
    """Something else in place of a token, which may contain one: only its type is known."""

    kind: str


HiddenToken: TypeAlias = Path | Secret | Callable[[], Awaitable[str]] | WrongToken


def hide_token(token: Token | Secret | WrongToken) -> HiddenToken:
    """Return a token in a form that a traceback with variables does not show."""
    if isinstance(token, str):
        return Secret(token)
    is_known = isinstance(token, Path | Secret | WrongToken) or callable(token)
    return token if is_known else WrongToken(type(token).__name__)  # such as None, as from os.environ.get


def token_source(hidden: HiddenToken) -> TokenSource | Path:
    """Return the source of an access token; that of a file is made when it is first read.

    Raises:
        UsageError: The token is invalid.
    """
    if isinstance(hidden, WrongToken):
        raise UsageError(
            "token must be an access token (str), the Path of a file, or an async function, "
            f"not {hidden.kind}"
        )
    if isinstance(hidden, Secret):
        return TokenSource(check_token(hidden, "token"))
    return hidden if isinstance(hidden, Path) else TokenFunction(hidden)


def saved_state(resume: object, refs: Iterable[ImportRef]) -> SavedState:
    """Return the waits in states from ``state_of`` that belong to these imports, and the latest hold.

    Raises:
        UsageError: One of them is not such a state.
    """
    if resume is None:
        return SavedState()
    texts = [resume] if isinstance(resume, str) else resume
    if not isinstance(texts, Iterable):
        raise UsageError(f"resume must be a state (str) or a list of states, not {type(resume).__name__}.")
    now, known = time.time(), {saved.ref: saved for saved in map(_decoded, texts)}
    used = [known[ref] for ref in refs if ref in known]
    waits = {saved.ref: saved.wait.corrected(now) for saved in used}
    holds = [saved.hold.corrected(now) for saved in used if saved.hold is not None]
    pending = [hold for hold in holds if hold is not None]
    return SavedState(waits, max(pending, key=lambda hold: hold.resume_at, default=None))


def checked_policy(policy: object) -> Policy:
    """Return the policy of a watch.

    Raises:
        UsageError: It is not a ``Policy``.
    """
    if not isinstance(policy, Policy):
        raise UsageError(
            f"policy must be a Policy, not {type(policy).__name__}. Leave it out for the defaults."
        )
    return policy


def origin(base_uri: object) -> str | None:
    """Return the origin of a base URI; None stays None.

    Raises:
        UsageError: It is not an origin, or the access token must not be sent there.
    """
    if base_uri is None:
        return None
    if not isinstance(base_uri, str):
        raise UsageError(f"base_uri must be a URL (str), not {type(base_uri).__name__}.")
    return parse_base_uri(base_uri, "base_uri")


def checked_event(event: object) -> Event:
    """Return an event of a watch.

    Raises:
        UsageError: It is not an event.
    """
    if not isinstance(event, Event):
        raise UsageError(f"event must be an event of a watch, not {type(event).__name__}.")
    return event


def _decoded(text: object) -> snapshot.Snapshot:
    if not isinstance(text, str):
        raise UsageError(f"resume must contain states (str), not {type(text).__name__}.")
    return snapshot.decode(text)
