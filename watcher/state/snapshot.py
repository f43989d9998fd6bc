"""The state of one wait as text, for a program that saves it and resumes the wait in another process."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from watcher.core.errors import UsageError
from watcher.core.events import Event
from watcher.core.model import ImportRef, Instant, Transition
from watcher.core.wait.saved import SavedHold, SavedWait
from watcher.state.disk import UnusableError
from watcher.state.document import PROGRAM, Header, decode_version

_VERSION = 1
"""Version of the format; increase it with every change."""

_LIMIT = 2000
"""Bytes from which the files of an import, which the next poll shows again, are left out."""


class Snapshot(Header, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The wait for one import, and the hold of a 429 if the event reports one; other holds are not kept."""

    ref: ImportRef
    wait: SavedWait
    hold: SavedHold | None = None


def encode(event: Event) -> str:
    """Return the state of an import's wait after an event."""
    wait, hold = _rounded(SavedWait.after(event)), SavedHold.after(event)
    snapshot = Snapshot(program=PROGRAM, version=_VERSION, ref=event.ref, wait=wait, hold=hold)
    encoded = msgspec.json.encode(snapshot)
    if len(encoded) > _LIMIT and wait.last is not None:
        wait = replace(wait, last=replace(wait.last, files=()))
        encoded = msgspec.json.encode(msgspec.structs.replace(snapshot, wait=wait))
    return encoded.decode()


def decode(text: str) -> Snapshot:
    """Return the state that ``encode`` has written.

    Raises:
        UsageError: The text is damaged, or was written by another program or another version.
    """

    def read() -> Snapshot:
        snapshot = msgspec.json.decode(text, type=Snapshot)
        return msgspec.structs.replace(snapshot, wait=snapshot.wait.checked())

    try:
        return decode_version(text, _VERSION, read)
    except UnusableError as error:
        raise UsageError(
            f"resume {error}. Pass what state_of() returned, or leave it out to start over."
        ) from None


def _rounded(wait: SavedWait) -> SavedWait:
    """Return a wait with times in milliseconds, which keeps its text short."""
    return replace(
        wait,
        began=round(wait.began, 3),
        since=None if wait.since is None else round(wait.since, 3),
        transitions=tuple(map(_rounded_transition, wait.transitions)),
    )


def _rounded_transition(transition: Transition) -> Transition:
    return replace(
        transition,
        at=Instant(0.0, round(transition.at.unix, 3)),  # another process has another monotonic clock
        elapsed=round(transition.elapsed, 3),
        in_state=None if transition.in_state is None else round(transition.in_state, 3),
    )
