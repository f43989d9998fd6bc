"""Events in words, for people: one line each, and none for what only machines want."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, assert_never

from watcher.core.events import (
    Changed,
    Ended,
    Event,
    Heartbeat,
    MetThrottle,
    MetUnknownStatus,
    Retrying,
    Watching,
)
from watcher.core.model import Outcome
from watcher.core.text import duration

if TYPE_CHECKING:
    from watcher.core.model import Status

_SUCCESSES = frozenset({Outcome.COMPLETE, Outcome.REACHED})


class Level(IntEnum):
    """How much an event matters; the numbers are those of the logging module."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40


def level_of(event: Event) -> Level:
    """Tells how much an event matters.

    Args:
        event: Any event.

    Returns:
        Its level.
    """
    match event:
        case Watching() | Heartbeat():
            return Level.INFO
        case Changed():
            return Level.INFO if event.transition.expected else Level.WARNING
        case MetThrottle() | Retrying() | MetUnknownStatus():
            return Level.WARNING
        case Ended():
            return Level.INFO if event.outcome in _SUCCESSES else Level.ERROR
        case _:
            assert_never(event)


def line_of(event: Event) -> str | None:
    """Says an event in one line.

    Args:
        event: Any event.

    Returns:
        The line; None for a repetition, such as the second retry in a row.
    """
    match event:
        case Watching():
            return f"watching {event.ref} {event.goal}"
        case Changed(transition=transition):
            if transition.source is None:
                return f"{transition.to}" + _meaning(transition.to)
            spent = duration(transition.in_state or 0)
            doubt = "" if transition.expected else ", which is not the usual way"
            return f"{transition.source} -> {transition.to} after {spent}{doubt}{_meaning(transition.to)}"
        case MetThrottle():
            who = "the API asks" if event.named else "backing off"
            return (
                f"rate limited (429): {who} to wait {duration(event.wait)}" if event.in_a_row == 1 else None
            )
        case Retrying():
            wait = duration(event.wait)
            return f"{event.detail}; trying again in {wait}" if event.in_a_row == 1 else None
        case MetUnknownStatus():
            return f'this version does not know the status "{event.status}" and waits on'
        case Heartbeat():
            return _heartbeat(event)
        case Ended():
            return event.message
        case _:
            assert_never(event)


def _meaning(status: Status) -> str:
    return ": waiting for an approval in LaunchDarkly" if status == "pending_approval" else ""


def _heartbeat(event: Heartbeat) -> str:
    progress = event.progress
    polls = f"{progress.polls} polls"
    if progress.status is None:
        standing = f"not seen yet after {duration(progress.elapsed)}"
    else:
        standing = f"still {progress.status} after {duration(progress.in_state or 0)}"
    others = f"; {event.waiting} imports are not final" if event.waiting > 1 else ""
    return f"{standing}, {polls}{others}"
