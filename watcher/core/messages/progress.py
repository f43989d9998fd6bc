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
from watcher.core.statuses import INCONCLUSIVE, SUCCESSES, ImportStatus
from watcher.core.text import duration

if TYPE_CHECKING:
    from watcher.core.exit_codes import Result
    from watcher.core.model import Transition
    from watcher.core.statuses import Outcome, Status


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
            return Level.WARNING if _is_step_back(event.transition) else Level.INFO
        case MetThrottle() | Retrying() | MetUnknownStatus():
            return Level.WARNING
        case Ended():
            good = event.left_behind or event.outcome in SUCCESSES
            return Level.INFO if good else _level_of_failure(event.outcome)
        case _:
            assert_never(event)


def level_of_result(result: Result) -> Level:
    """Tells how much the end of a whole watch matters.

    Args:
        result: How it ended.

    Returns:
        Its level.
    """
    return Level.INFO if result.code == 0 else _level_of_failure(result.outcome)


def outcome_threshold(level: Level) -> Level:
    """Tells which ends are told: those that are no success explain themselves whatever else is left out.

    Args:
        level: The least that is told of all else.

    Returns:
        The least level of an end that is told.
    """
    return min(level, Level.WARNING)


def _level_of_failure(outcome: Outcome) -> Level:
    """Does not alarm where nothing failed, as at a look that found the import on its way."""
    return Level.WARNING if outcome in INCONCLUSIVE else Level.ERROR


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
            doubt = ", which is not the usual way" if _is_step_back(transition) else ""
            return f"{transition.source} -> {transition.to} after {spent}{doubt}{_meaning(transition.to)}"
        case MetThrottle():
            if event.in_a_row > 1:
                return None
            asks = "" if event.named_wait is None else f": the API asks to wait {duration(event.named_wait)}"
            return f"rate limited (429){asks}; asking again in {duration(event.wait)}"
        case Retrying():
            wait = duration(event.wait)
            return f"{event.detail}; trying again in {wait}" if event.in_a_row == 1 else None
        case MetUnknownStatus():
            return f'this version does not know the status "{event.status}"; waiting on'
        case Heartbeat():
            return _heartbeat(event)
        case Ended():
            return event.message
        case _:
            assert_never(event)


def _meaning(status: Status) -> str:
    waits = status is ImportStatus.PENDING_APPROVAL
    return ": waiting for an approval in LaunchDarkly" if waits else ""


def _heartbeat(event: Heartbeat) -> str:
    progress = event.progress
    polls = f"{progress.polls} poll{'' if progress.polls == 1 else 's'}"
    if progress.status is None:
        standing = f"not seen yet after {duration(progress.elapsed)}"
    else:
        standing = f"still {progress.status} after {duration(progress.in_state or 0)}"
    others = f"; {event.waiting} imports are not final" if event.waiting > 1 else ""
    trouble = "" if event.trouble is None else f"; {event.trouble}"
    following = "" if event.next_poll is None else f"; asking again in {duration(event.next_poll)}"
    return f"{standing}, {polls}{trouble}{following}{others}"


def _is_step_back(transition: Transition) -> bool:
    """Tells whether a known status came that does not follow; an unknown one has a warning of its own."""
    return not transition.expected and isinstance(transition.to, ImportStatus)
