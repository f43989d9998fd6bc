"""The words of an end: what happened, and what to do next, in plain sentences."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from watcher.core.statuses import SUCCESSES, ImportStatus, Outcome
from watcher.core.text import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from watcher.core.answers.rate_limits import Hold
    from watcher.core.answers.replies import ApiError
    from watcher.core.events import Ended, Progress
    from watcher.core.model import Instant
    from watcher.core.policy import Policy
    from watcher.core.statuses import Status

UNKNOWN_STATUS = "the import has a status that this version does not know (--unknown-status fail)"


@dataclass(frozen=True, slots=True)
class LastError:
    """The last thing that went wrong.

    Attributes:
        detail: What, in words that fit after a colon; safe to print.
        at: When, on the monotonic clock in seconds.
    """

    detail: str
    at: float


def goal(policy: Policy, progress: Progress) -> str:
    """Says what a wait is for.

    Args:
        policy: What the user asked for.
        progress: How far an earlier run had come.

    Returns:
        A phrase such as ``until complete, for at most 1h``.
    """
    later = "" if policy.until is ImportStatus.COMPLETE else " or later"
    phrase = "once" if policy.once else f"until {policy.until}{later}"
    if math.isfinite(policy.timeout):
        phrase += f", for at most {duration(policy.timeout)}"
    if progress.elapsed >= 1:
        standing = "not seen yet" if progress.status is None else f"last seen {progress.status}"
        phrase += f"; going on after {duration(progress.elapsed)}, {standing}"
    return phrase


def reached(outcome: Outcome, progress: Progress, policy: Policy) -> str:
    """Says what happened where the import's own status ends the wait.

    Args:
        outcome: How it ended.
        progress: How far it had come.
        policy: What the user asked for.

    Returns:
        The beginning of a sentence.
    """
    spent = duration(progress.elapsed)
    status = progress.status
    first_look = progress.polls == 1
    seen = "at the first look" if first_look else f"after {spent}"
    if outcome is Outcome.COMPLETE:
        return "complete already at the first look" if first_look else f"complete after {spent}"
    if outcome is Outcome.REACHED:
        beyond = "" if status is policy.until else f"; it is {status} already"
        when = "already at the first look" if first_look else f"after {spent}"
        return f"reached {policy.until} {when}{beyond}"
    if outcome is Outcome.BLOCKED:
        return f"blocked {seen}: the import is {status}, which --fail-on {status} forbids"
    return f"stopped {seen}: LaunchDarkly stopped the import"


def refused_look(error: ApiError, hold: Hold | None, now: Instant) -> str:
    """Says that the rate limit refused a single look.

    Args:
        error: The refusal.
        hold: How long the API wants not to be asked.
        now: The time.

    Returns:
        The beginning of a sentence.
    """
    asks = ""
    if hold is not None and hold.named:
        asks = f", and the API asks to wait {duration(hold.until - now.monotonic)}"
    return f"the rate limit refused the one look: {error}{asks}"


def held_look(hold: Hold, now: Instant) -> str:
    """Says that a wait which an earlier run left behind lets a single look ask nothing.

    Args:
        hold: The wait.
        now: The time.

    Returns:
        The beginning of a sentence.
    """
    left = duration(hold.resume_at - now.monotonic)
    if hold.named:
        return f"nothing was asked: the API told an earlier run to wait, which lasts another {left}"
    return f"nothing was asked: the rate limit refused an earlier run, and is given another {left}"


def forgone_look(hold: Hold, now: Instant) -> str:
    """Says that a wait which all imports share is too long for a single look.

    Args:
        hold: The wait.
        now: The time.

    Returns:
        The beginning of a sentence.
    """
    if hold.named:
        left = duration(hold.until - now.monotonic)
        return f"the look cannot be taken: the API told a request to wait {left}"
    left = duration(hold.resume_at - now.monotonic)
    return f"the look cannot be taken: the rate limit refuses requests, and is given {left}"


def held_past(hold: Hold, option: str, now: Instant) -> str:
    """Says that the API asks for a wait which a clock of the user's does not allow.

    Args:
        hold: The wait.
        option: The clock, as the user would give it.
        now: The time.

    Returns:
        The beginning of a sentence.
    """
    wait = duration(hold.until - now.monotonic)
    return f"timed out: the API asks to wait {wait}, which ends after {option} does"


def explain(
    outcome: Outcome,
    what: str,
    progress: Progress,
    trouble: LastError | None,
    now: float,
    *,
    advice: str | None = None,
) -> str:
    """Writes the closing words of one import's wait.

    Args:
        outcome: How it ended.
        what: What happened, as the beginning of a sentence.
        progress: How far it had come.
        trouble: The last error of the whole wait.
        now: The monotonic clock in seconds.
        advice: What to do next, where that does not follow from the outcome.

    Returns:
        One sentence for a success; else what happened, the last status with its age, the last error, and
        what the person can do next.
    """
    if outcome in SUCCESSES:
        return what
    clauses = [what]
    if progress.status is not None or outcome is not Outcome.NOT_FOUND:
        clauses.append(_standing(progress))
    if trouble is not None and trouble.detail not in what:
        age = now - trouble.at
        clauses.append(f"last error{f' {duration(age)} ago' if age >= 1 else ''}: {trouble.detail}")
    return f"{'; '.join(clauses)}. {advice or _advice(outcome, progress.status)}"


def _standing(progress: Progress) -> str:
    if progress.status is None:
        return "the import was not seen"
    age = progress.in_state or 0
    return f"last status {progress.status}" + (f", for {duration(age)}" if age >= 0.001 else "")  # noqa: PLR2004 (what is told in milliseconds)


NOT_THERE = (
    "Check the four keys, and that the token is of the right account and --base-uri its host; "
    "a new import can be given longer with --appear-within."
)
"""What to do where the API knows no such import."""

_CHECK_THE_NETWORK = "Check the network and LaunchDarkly's status, then watch the import again."

_ADVICE: Mapping[Outcome, str] = {
    Outcome.COMPLETE: "Nothing is left to do.",
    Outcome.REACHED: "Nothing is left to do.",
    Outcome.INTERNAL: "This is a defect in watcher: please report it.",
    Outcome.USAGE: "See --help.",
    Outcome.STOPPED: "It will not go on: look at the import in LaunchDarkly, then create a new one.",
    Outcome.UNAUTHORIZED: (
        "Check that the access token is valid, no SDK key, may read this segment, and is of the account at "
        "--base-uri (EU and federal accounts have hosts of their own)."
    ),
    Outcome.NOT_FOUND: "Look in LaunchDarkly whether the import or its segment was deleted.",
    Outcome.PROTOCOL: "Check --base-uri, and any proxy or gateway on the way to LaunchDarkly.",
    Outcome.BLOCKED: "Look at the import in LaunchDarkly, then watch it again.",
    Outcome.PENDING: "Look again later.",
    Outcome.UNAVAILABLE: (
        "The import goes on by itself: check the network and LaunchDarkly's status, then watch it again."
    ),
    Outcome.TIMEOUT: "The import goes on by itself: look at it in LaunchDarkly, or give it longer.",
    Outcome.INTERRUPTED: "The import goes on by itself: watch it again with the same target.",
}

_ADVICE_AT: Mapping[tuple[Outcome, Status | None], str] = {
    (Outcome.NOT_FOUND, None): NOT_THERE,
    (Outcome.BLOCKED, ImportStatus.PENDING_APPROVAL): (
        "Have the import approved in LaunchDarkly, then watch it again."
    ),
    (Outcome.TIMEOUT, ImportStatus.PENDING_APPROVAL): (
        "It waits for somebody: have it approved in LaunchDarkly, then watch it again."
    ),
    (Outcome.TIMEOUT, ImportStatus.READY): (
        "It may wait for somebody: see in LaunchDarkly whether it has to be started, then watch it again."
    ),
    (Outcome.TIMEOUT, None): (
        "Check --base-uri, the network and the rate limit, then watch it again, or with a longer --timeout."
    ),
    (Outcome.UNAVAILABLE, ImportStatus.PENDING_APPROVAL): _CHECK_THE_NETWORK,
    (Outcome.UNAVAILABLE, ImportStatus.READY): _CHECK_THE_NETWORK,
    (Outcome.UNAVAILABLE, None): "Check --base-uri, the network and any proxy, then watch the import again.",
    (Outcome.INTERRUPTED, ImportStatus.PENDING_APPROVAL): (
        "It waits for an approval in LaunchDarkly: watch it again with the same target."
    ),
    (Outcome.INTERRUPTED, ImportStatus.READY): (
        "It may wait for somebody to start it in LaunchDarkly: watch it again with the same target."
    ),
    (Outcome.INTERRUPTED, None): "Watch it again with the same target.",
}


def _advice(outcome: Outcome, status: Status | None) -> str:
    return _ADVICE_AT.get((outcome, status), _ADVICE[outcome])


def summarize(ends: Iterable[Ended], outcome: Outcome, code: int) -> str:
    """Return one sentence about a run with several imports."""
    ends = tuple(ends)
    counts = Counter(end.outcome for end in ends)
    tally = ", ".join(f"{count} {name}" for name, count in counts.items())
    return f"{len(ends)} imports: {tally}; exit code {code} ({outcome})"
