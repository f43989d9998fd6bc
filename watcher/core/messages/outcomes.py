"""Messages about outcomes: what happened, why, and the next step, in at most two sentences.

A *fact* says what happened, as the beginning of a sentence; ``final`` makes the whole message of it.
"""

from __future__ import annotations

import math
from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING

from watcher.core.statuses import INCONCLUSIVE, SUCCESSES, ImportStatus, Outcome, Status
from watcher.core.text import duration, tally

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from watcher.core.events import Ended, Progress
    from watcher.core.model import ImportRef
    from watcher.core.policy import Policy

NOT_FINAL = "not final yet"
RATE_LIMITED = "rate limited"
NO_SUCH_IMPORT = "there is no such import"
IMPORT_GONE = "the import is gone"
_ACCESS = "the access token"
REQUEST_REJECTED = "the request was rejected"
WRONG_IMPORT = "the response is about another import"
_STOPPED = "stopped in LaunchDarkly"
_MISLEADING = "Invalid account ID header"
"""The API sends this with a 401 for a token that it does not recognize."""

_LAST_STATUS = "last status "
_NOT_POLLED = "not polled: "
_NOT_YET_THERE = "no such import yet: "

CHECK_LATER = "Check again later."
CHECK_LATER_SHARED_LIMIT = "Check again later; other programs may be using up the same limit."
CHECK_UNKNOWN_STATUS = "Check the import in LaunchDarkly, or allow unknown statuses."
CHECK_TARGET = (
    "Check the four keys, the base URI and the token's account; a new import may take longer to appear."
)
_CHECK_ACCESS = (
    "Check that it is a valid access token (api-…); EU and federal accounts have their own base URI."
)
CHECK_ROLE = "Use a token whose role may read this segment, or change the role."
CORRECT_PROXY = "Correct the proxy in the environment, then watch the import again."
CHECK_GATEWAY = "Check the base URI and any proxy or gateway in front of LaunchDarkly."
_APPROVE = "The change must be approved and applied in LaunchDarkly; then watch the import again."
_START = "Check in LaunchDarkly whether the import must be started, then watch it again."

_NEXT_STEPS: Mapping[Outcome, str] = {
    Outcome.STOPPED: "It cannot continue: check it in LaunchDarkly, then create a new one.",
    Outcome.UNAUTHORIZED: _CHECK_ACCESS,
    Outcome.NOT_FOUND: "Check in LaunchDarkly whether the import or its segment was deleted.",
    Outcome.PROTOCOL: CHECK_GATEWAY,
    Outcome.BLOCKED: "Check the import in LaunchDarkly, then watch it again.",
    Outcome.PENDING: CHECK_LATER,
    Outcome.UNAVAILABLE: "Check the network and LaunchDarkly's status, then watch the import again.",
    Outcome.TIMEOUT: "The import continues: check it in LaunchDarkly, or allow more time.",
    Outcome.INTERRUPTED: "The import continues: watch it again with the same target.",
}

_NEXT_STEPS_AT: Mapping[tuple[Outcome, Status | None], str] = {
    (Outcome.NOT_FOUND, None): CHECK_TARGET,
    (Outcome.BLOCKED, ImportStatus.PENDING_APPROVAL): _APPROVE,
    (Outcome.PENDING, ImportStatus.PENDING_APPROVAL): _APPROVE,
    (Outcome.TIMEOUT, ImportStatus.PENDING_APPROVAL): _APPROVE,
    (Outcome.TIMEOUT, ImportStatus.READY): _START,
    (Outcome.TIMEOUT, None): "Check the base URI, the network and the rate limit, or allow more time.",
    (Outcome.UNAVAILABLE, None): "Check the base URI, the network and any proxy, then watch it again.",
    (Outcome.INTERRUPTED, ImportStatus.PENDING_APPROVAL): _APPROVE,
    (Outcome.INTERRUPTED, ImportStatus.READY): _START,
    (Outcome.INTERRUPTED, None): "Watch it again with the same target.",
}
"""Next steps that depend on the last status as well; None if the import was never seen."""


def goal(policy: Policy, progress: Progress) -> str:
    """Return what a wait is for, such as ``until complete, for at most 1h``."""
    later = "" if policy.until is ImportStatus.COMPLETE else " or later"
    phrase = "once" if policy.once else f"until {policy.until}{later}"
    if math.isfinite(policy.timeout):
        phrase += f", for at most {duration(policy.timeout)}"
    if progress.elapsed < 1:
        return phrase
    if progress.status is None:  # an earlier run, or the inputs were awaited
        return f"{phrase}; began {duration(progress.elapsed)} ago, not seen yet"
    return f"{phrase}; resumed after {duration(progress.elapsed)}, last status {progress.status}"


def final(
    outcome: Outcome,
    fact: str,
    progress: Progress,
    *,
    last_error: str | None = None,
    error_age: float = 0.0,
    next_step: str | None = None,
) -> str:
    """Return the final message of one import.

    It is the fact alone for a success; else also the last status, the last error with its age in seconds, and
    the next step, which by default follows from outcome and status. Nothing is named twice.
    """
    if outcome in SUCCESSES:
        return fact
    if fact == NOT_FINAL and progress.status is not None:
        fact = f"{NOT_FINAL}: {_with_age(progress.status, progress)}"
    clauses = [fact, *_last_status(fact, progress)]
    if last_error is not None and last_error not in fact:
        ago = f" {duration(error_age)} ago" if error_age >= 1 else ""
        clauses.append(f"last error{ago}: {last_error}")
    advice = next_step or _NEXT_STEPS_AT.get((outcome, progress.status), _NEXT_STEPS[outcome])
    return f"{'; '.join(clauses)}. {advice}"


def _last_status(fact: str, progress: Progress) -> list[str]:
    """Return the clause about the last status, unless the fact says the same."""
    status = progress.status
    if status is None:
        says_unseen = fact.startswith((NO_SUCH_IMPORT, WRONG_IMPORT, _NOT_YET_THERE, _NOT_POLLED, _ACCESS))
        return [] if says_unseen else ["the import was not seen"]
    if fact.startswith((NOT_FINAL, _STOPPED, "blocked at ", f"timed out: {status} ", unknown_status(status))):
        return []
    return [f"{_LAST_STATUS}{_with_age(status, progress)}"]


def without_last_status(end: Ended) -> str:
    """Return the final message without its clause about the last status, for imports that share the rest."""
    status = end.progress.status
    if status is None:
        return end.message
    return end.message.replace(f"; {_LAST_STATUS}{_with_age(status, end.progress)}", "", 1)


def _with_age(status: Status, progress: Progress) -> str:
    age = progress.in_state or 0
    return status + (f" for {duration(age)}" if age >= 0.001 else "")  # noqa: PLR2004 (the precision of a duration)


def at_status(outcome: Outcome, progress: Progress, policy: Policy) -> str:
    """Return the fact if the import's own status ends the wait."""
    status, until = progress.status, policy.until
    when = "at the first poll" if progress.polls == 1 else f"after {duration(progress.elapsed)}"
    match outcome:
        case Outcome.COMPLETE:
            return f"complete {when}"
        case Outcome.REACHED:
            return f"reached {until} {when}" + ("" if status is until else f"; now {status}")
        case Outcome.BLOCKED:
            return f"blocked at {status} {when}"
        case _:
            return f"{_STOPPED} {when}"


def unknown_status(status: Status) -> str:
    return f'unknown status "{status}"'


def timed_out(limit: float, status: Status | None, *, polled: bool = True) -> str:
    """Return the fact if a limit of the time in a status (None: of the whole wait) was exceeded.

    ``polled`` says whether there was a last poll.
    """
    reason = f" after {duration(limit)}" if status is None else f": {status} for more than {duration(limit)}"
    missed = "" if polled else "; no last poll was possible (rate limit or too many imports)"
    return f"timed out{reason}{missed}"


def held_past_limit(wait: float, limit: float, status: Status | None) -> str:
    """Return the fact if the API asks to wait longer than such a limit allows."""
    allowed = duration(limit)
    what = f"timeout of {allowed}" if status is None else f"limit of {allowed} for this status"
    return f"timed out: the API asks to wait {duration(wait)}, past the {what}"


def access_rejected(http_status: int, lacks: str | None) -> str:
    """Return the fact if the token gives no access; ``lacks`` is the action and resource that a 403 names."""
    if http_status == HTTPStatus.FORBIDDEN:
        return f"{_ACCESS} lacks {lacks or 'a permission'}"
    return f"{_ACCESS} was rejected"


def explain_rejection(error: str) -> str:
    """Return an error about the token with an explanation, if its own words mislead."""
    return f"{error} (this host does not know the token)" if _MISLEADING in error else error


def rate_limited(error: str, wait: float | None) -> str:
    """Return the fact if a single poll met a 429; ``wait`` is None if it named no time."""
    asks = "" if wait is None else f"; the API asks to wait {duration(wait)}"
    return f"{RATE_LIMITED}: {error}{asks}"


def not_polled(wait: float, *, named: bool, earlier_run: bool) -> str:
    """Return the fact if a hold, which lasts another ``wait`` seconds, prevents a single poll.

    ``named`` says whether the API named the time, and ``earlier_run`` whether that was in an earlier run.
    """
    left = duration(wait)
    if earlier_run:
        met = "the API asked an earlier run to wait" if named else "an earlier run was rate limited"
        return f"{_NOT_POLLED}{met}; {left} left"
    return _NOT_POLLED + (f"the API asks to wait {left}" if named else f"rate limited for another {left}")


def no_usable_response(outage: float, detail: str, *, unconfirmed: bool = False) -> str:
    """Return the fact after an outage; ``unconfirmed`` if no other response confirmed the last error."""
    length = f" for {duration(outage)}" if outage >= 0.001 else ""  # noqa: PLR2004 (the precision of a duration)
    return f"no {'confirmed' if unconfirmed else 'usable'} response{length}: {detail}"


def held_past_budget(fact: str, wait: float) -> str:
    return f"{fact}; the API asks to wait {duration(wait)}, past the outage budget"


def not_yet_there(error: str) -> str:
    return f"{_NOT_YET_THERE}{error}"


def interrupted(signal: str, elapsed: float) -> str:
    return f"interrupted by {signal} after {duration(elapsed)}"


def left_behind(decisive: ImportRef, outcome: Outcome, *, succeeded: bool) -> str:
    """Return the fact if another import ended the whole watch; a user may define what ``succeeded``."""
    if outcome in INCONCLUSIVE or succeeded is not (outcome in SUCCESSES):
        return f"stopped watching: {decisive} ended first ({outcome})"
    return f"stopped watching: {decisive} {'succeeded' if succeeded else 'failed'} first"


def summarize(ends: Sequence[Ended], outcome: Outcome, code: int) -> str:
    """Return one sentence about several imports, such as ``2 of 3 imports complete, 1 stopped``."""
    counts = Counter(end.outcome for end in ends)
    succeeded = sum(counts[one] for one in SUCCESSES)
    verb = "succeeded" if counts[Outcome.REACHED] else "complete"
    failed = [end.outcome for end in ends if end.outcome not in SUCCESSES]
    others = f", {tally(failed)}" if set(failed) - {outcome} or (failed and not code) else ""
    exit_code = f"; exit code {code} ({outcome})" if code else ""
    return f"{succeeded} of {len(ends)} imports {verb}{others}{exit_code}"
