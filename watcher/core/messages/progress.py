"""Messages about progress: one line for each event, and its level."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import IntEnum
from typing import assert_never

from watcher.core.events import (
    Changed,
    Ended,
    Event,
    Heartbeat,
    MetThrottle,
    MetUnknownStatus,
    Progress,
    Retrying,
    Watching,
)
from watcher.core.model import Transition
from watcher.core.statuses import INCONCLUSIVE, SUCCESSES, ImportStatus, Outcome
from watcher.core.text import duration

RATE_LIMITED = "rate limited (429)"
APPROVAL = "the change must be approved and applied in LaunchDarkly"

_WAITING_FOR: Mapping[str | None, str] = {
    None: "waiting for the import to appear",
    ImportStatus.PREPARING: "LaunchDarkly is preparing the import",
    ImportStatus.PENDING_APPROVAL: APPROVAL,
    ImportStatus.READY: "waiting for LaunchDarkly to start the import",
    ImportStatus.IN_PROGRESS: "LaunchDarkly is importing the keys",
}


class Level(IntEnum):
    """How important an event is; the numbers are those of the logging module."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40


def level_of(event: Event) -> Level:
    match event:
        case Watching() | Heartbeat():
            return Level.INFO
        case Changed():
            return Level.WARNING if _is_step_back(event.transition) else Level.INFO
        case MetThrottle() | Retrying() | MetUnknownStatus():
            return Level.WARNING
        case Ended():
            return Level.INFO if event.left_behind else level_of_outcome(event.outcome)
        case _:
            assert_never(event)


def level_of_outcome(outcome: Outcome, code: int | None = None) -> Level:
    """Return the level of an outcome; exit code 0 makes it a success."""
    if code == 0 or (code is None and outcome in SUCCESSES):
        return Level.INFO
    if outcome is Outcome.PENDING:
        return Level.INFO
    return Level.WARNING if outcome in INCONCLUSIVE else Level.ERROR


def line_of(event: Event) -> str | None:
    """Return an event in one line; None for a repetition, such as the second retry in a row."""
    match event:
        case Watching():
            return f"watching {event.ref} {event.goal}"
        case Changed():
            return _change(event.transition)
        case MetThrottle():
            if event.in_a_row > 1:
                return None
            asks = "" if event.named_wait is None else f": the API asks to wait {duration(event.named_wait)}"
            return f"{RATE_LIMITED}{asks}{_next_poll(event.wait)}"
        case Retrying():
            return f"{event.detail}{_next_poll(event.wait)}" if event.in_a_row == 1 else None
        case MetUnknownStatus():
            return f'unknown status "{event.status}"; still waiting'
        case Heartbeat():
            return _heartbeat(event)
        case Ended():
            return event.message
        case _:
            assert_never(event)


def watching(goals: Sequence[str], shared: str) -> str:
    """Return the line about waits for several imports; ``shared`` are the leading keys of all of them."""
    goal = goals[0].partition("; ")[0]
    number = sum("; resumed" in goal for goal in goals)
    later = f"; {number} of them resumed" if number else ""
    return f"watching {len(goals)} imports{f' of {shared}' if shared else ''} {goal}{later}"


def retrying(detail: str) -> str:
    return f"{detail}; retrying"


def responding_again(after: float) -> str:
    """Return the line about the end of an outage that lasted ``after`` seconds."""
    return f"responding again after {duration(after)}"


def tally_of_successes(outcomes: Collection[Outcome], total: int) -> str:
    """Return how many of several imports succeeded so far, such as ``2 of 3 complete``."""
    verb = "succeeded" if Outcome.REACHED in outcomes else "complete"
    return f"{len(outcomes)} of {total} {verb}"


def waiting_for(progress: Progress) -> str:
    """Return what must happen next."""
    if not progress.polls:
        return "waiting for the first response"
    return _WAITING_FOR.get(progress.status, "unknown status; still waiting")


def polls(progress: Progress) -> str:
    """Return the number of polls, such as ``3 polls``."""
    return f"{progress.polls} poll{'' if progress.polls == 1 else 's'}"


def requests(progress: Progress) -> str:
    """Return the number of polls and of their failures, such as ``3 polls, 1 rate limit, 2 errors``."""
    return ", ".join(filter(None, [polls(progress), failures(progress)]))


def failures(progress: Progress) -> str:
    """Return the number of polls that failed, by kind; empty if there are none."""
    counts = [(progress.throttled, "rate limit"), (progress.errors, "error")]
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in counts if count)


def _change(transition: Transition) -> str:
    meaning = f": {APPROVAL}" if transition.to is ImportStatus.PENDING_APPROVAL else ""
    if transition.source is None:
        return f"{transition.to}{meaning}"
    spent = duration(transition.in_state or 0)
    unexpected = " (unexpected)" if _is_step_back(transition) else ""
    return f"{transition.source} -> {transition.to} after {spent}{unexpected}{meaning}"


def _heartbeat(event: Heartbeat) -> str:
    progress = event.progress
    if progress.status is None:
        status = f"not seen yet after {duration(progress.elapsed)}"
    else:
        status = f"still {progress.status} after {duration(progress.in_state or 0)}"
    trouble = "" if event.trouble is None else f"; {event.trouble}"
    following = "" if event.next_poll is None else _next_poll(event.next_poll)
    others = f"; {event.waiting} imports are not final" if event.waiting > 1 else ""
    return f"{status}, {polls(progress)}{trouble}{following}{others}"


def _next_poll(wait: float) -> str:
    return f"; checking again in {duration(wait)}" if wait > 0 else "; checking again now"


def _is_step_back(transition: Transition) -> bool:
    """Return whether a known status does not follow; an unknown one has a warning of its own."""
    return not transition.expected and isinstance(transition.to, ImportStatus)
