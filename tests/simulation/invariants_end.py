"""Invariants of the ends: each has a cause in the responses, and no final response is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.answers import Meaning
from tests.simulation.draw_life import SHOWN
from tests.simulation.evidence import TOLERANCE, ViolationError
from tests.simulation.oracle import ADVERSE, FAULTS, LONGEST_BACKOFF, outcome_of_outage
from watcher.core.answers.replies import Answer
from watcher.core.events import Changed, Ended, MetThrottle, MetUnknownStatus, Retrying, Watching
from watcher.core.statuses import Outcome

if TYPE_CHECKING:
    from tests.simulation.evidence import Evidence
    from tests.simulation.oracle import View
    from tests.simulation.run import Arrived

_EARNED = frozenset(
    {
        Outcome.COMPLETE,
        Outcome.REACHED,
        Outcome.STOPPED,
        Outcome.BLOCKED,
    }
)


def every_import_begins_and_ends_once(evidence: Evidence) -> None:
    """Each import has one Watching, first, and one Ended, after which it has no event and no request."""
    seen: dict[object, str] = {}
    for event in evidence.run.events:
        state = seen.get(event.ref)
        if isinstance(event, Watching) != (state is None):
            raise ViolationError(
                f"{event.ref}: {type(event).__name__} comes when it is {state or 'not begun'}"
            )
        if state == "over":
            raise ViolationError(f"{event.ref}: {type(event).__name__} comes after its end")
        seen[event.ref] = "over" if isinstance(event, Ended) else "watched"
    for position, end in enumerate(evidence.ends):
        late = [asked for asked in evidence.asked[position] if asked.at > end.at.monotonic + TOLERANCE]
        if late:
            raise ViolationError(f"import {position} is asked for at {late[0].at:.6f}, after its end")


def verdicts_are_obeyed(evidence: Evidence) -> None:
    """A response that must end a wait ends it at once: no final status is ever lost."""
    for position, views in enumerate(evidence.views):
        end = evidence.ends[position]
        for view in views:
            if view.verdict is None:
                continue
            at = view.arrived.at
            together = abs(end.at.monotonic - at) <= TOLERANCE
            if together and (end.outcome is view.verdict or end.left_behind or end.signal is not None):
                continue
            raise ViolationError(
                f"import {position}: the answer at {at:.6f} ({view.arrived.served.meaning.value}, "
                f"{view.arrived.served.status}) must end it as {view.verdict}; "
                f"it ended at {end.at.monotonic:.6f} as {end.outcome}"
            )


def ends_are_earned(evidence: Evidence) -> None:
    """Every end has a cause: status, confirmed error, exhausted budget, deadline, signal, other import."""
    for position, end in enumerate(evidence.ends):
        if not _is_earned(evidence, position, end):
            view = evidence.last_view(position)
            known = (
                "nothing" if view is None else f"{view.arrived.served.meaning.value}, status {view.status}"
            )
            raise ViolationError(
                f"import {position} ended at {end.at.monotonic:.6f} as {end.outcome} without cause: "
                f"the last answer said {known}"
            )


def _is_earned(evidence: Evidence, position: int, end: Ended) -> bool:
    view, now = evidence.last_view(position), end.at.monotonic
    wishes = evidence.run.scenario.wishes
    if end.left_behind:
        return end.outcome is Outcome.PENDING and (wishes.any_suffices or wishes.fail_fast)
    if end.outcome is Outcome.INTERRUPTED:
        interrupt = wishes.interrupt
        return interrupt is not None and interrupt.signal == end.signal and now >= interrupt.at - TOLERANCE
    if end.outcome is Outcome.TIMEOUT:
        return _is_timeout_earned(evidence, position, now)
    if end.outcome is Outcome.UNAVAILABLE and _is_look_forgone(evidence, view, now):
        return True
    if view is None or abs(view.arrived.at - now) > TOLERANCE:
        return False
    if view.verdict is not None or end.outcome in _EARNED:
        return view.verdict is end.outcome
    once = wishes_once(evidence)
    if view.arrived.served.meaning is Meaning.THROTTLED or not outlasts(view, once=once):
        return False
    if view.arrived.at >= view.ends - TOLERANCE:
        return end.outcome is outcome_of_outage(view)
    return end.outcome is Outcome.UNAVAILABLE


def wishes_once(evidence: Evidence) -> bool:
    """Return whether each import gets a single poll."""
    return evidence.run.scenario.policy.once


def gateways_end_nothing(evidence: Evidence) -> None:
    """A gateway's response never ends the wait for an import that was seen, within the outage budget."""
    once = wishes_once(evidence)
    for position, views in enumerate(evidence.views):
        end = evidence.ends[position]
        for view in views:
            at = view.arrived.at
            if view.arrived.served.meaning is not Meaning.GATEWAY or not view.seen or end.left_behind:
                continue
            # A shared hold may end the wait for an import when its request is answered.
            is_held = end.outcome is Outcome.TIMEOUT and _is_timeout_earned(evidence, position, at)
            is_last = is_held or outlasts(view, once=once) or end.signal is not None
            if abs(end.at.monotonic - at) <= TOLERANCE and not is_last and not once:
                raise ViolationError(f"import {position} ends at {at:.6f} with a gateway's response")


def doubts_are_checked_on_a_new_connection(evidence: Evidence) -> None:
    """The poll that confirms an error, and the one after a 421, use a new connection."""
    for position, views in enumerate(evidence.views):
        for view in views:
            is_confirmed = view.verdict is not None and view.arrived.served.meaning in ADVERSE and view.seen
            if is_confirmed and not view.arrived.asked.fresh:
                raise ViolationError(
                    f"import {position}: request {view.arrived.asked.number} confirms itself"
                )
        for view, asked in evidence.followed(position):
            answer = view.arrived.served.answer
            if isinstance(answer, Answer) and answer.status == 421 and not asked.fresh:
                raise ViolationError(f"request {asked.number} after a 421 uses the old connection")


def _is_timeout_earned(evidence: Evidence, position: int, now: float) -> bool:
    view = evidence.last_view(position)
    deadline = evidence.run.scenario.policy.timeout if view is None else view.deadline
    if now >= deadline - TOLERANCE:
        return True
    named = (
        arrived.named_until
        for arrived in evidence.run.arrived
        if arrived.named_until is not None and arrived.is_binding and arrived.at <= now + TOLERANCE
    )
    return max(named, default=0.0) > deadline


def _is_look_forgone(evidence: Evidence, view: View | None, now: float) -> bool:
    """Return whether a shared hold was too long for a single poll."""
    return evidence.run.scenario.policy.once and any(
        _longest_hold(arrived) > max(now, evidence.single_poll_limit(view))
        for arrived in evidence.run.arrived
        if arrived.at <= now + TOLERANCE
    )


def _longest_hold(arrived: Arrived) -> float:
    if arrived.named_until is not None:
        return arrived.named_until
    refused = arrived.served.meaning is Meaning.THROTTLED
    return arrived.at + LONGEST_BACKOFF if refused else 0.0


def outlasts(view: View, *, once: bool) -> bool:
    """Return whether an outage, or for a single poll a hold within it, is too long."""
    return view.began is not None and (
        view.arrived.at >= view.ends - TOLERANCE
        or (once and view.arrived.named_until is not None and view.arrived.named_until > view.ends)
    )


def outages_end(evidence: Evidence) -> None:
    """A fault past the outage budget, or for a single poll a hold past it, ends the wait at once."""
    once = wishes_once(evidence)
    for position, views in enumerate(evidence.views):
        for view in views:
            if view.arrived.served.meaning not in FAULTS or view.ends > view.deadline:
                continue
            surely = view.arrived.at > view.ends + TOLERANCE
            named = view.arrived.named_until if once else None
            if (surely or (named is not None and named > view.ends + TOLERANCE)) and not evidence.ended_at(
                position, view.arrived.at
            ):
                raise ViolationError(
                    f"import {position}: the outage since {view.began:.6f} is spent at {view.ends:.6f}, "
                    f"but the wait goes on after the fault at {view.arrived.at:.6f}"
                )


def clocks_end_waits(evidence: Evidence) -> None:
    """A response past the deadline, or a hold past it, ends the wait at once."""
    for position, views in enumerate(evidence.views):
        for view in views:
            at, named = view.arrived.at, view.arrived.named_until if view.arrived.is_binding else None
            past = at > view.deadline + TOLERANCE
            held = named is not None and named > view.deadline + TOLERANCE
            if (past or held) and not evidence.ended_at(position, at):
                raise ViolationError(
                    f"import {position}: the deadline is {view.deadline:.6f}, the answer at {at:.6f} names "
                    f"{named}, but the wait goes on"
                )


def holds_past_the_deadline_end_all_waits(evidence: Evidence) -> None:
    """A hold past the deadline ends the waits at once, or when a request in flight is answered."""
    holds = [
        arrived for arrived in evidence.run.arrived if arrived.named_until is not None and arrived.is_binding
    ]
    for position, views in enumerate(evidence.views):
        for hold in holds:
            deadline = evidence.limit_at(position, hold.at)
            if evidence.run.scenario.policy.once and hold.served.meaning is not Meaning.THROTTLED:
                deadline = max(deadline, hold.at + evidence.run.scenario.policy.outage_budget)
            moment = max(hold.at, 0.0)  # it may be from before the group joined
            if (hold.named_until or 0) <= deadline + TOLERANCE or evidence.ended_at(position, moment):
                continue
            in_flight = evidence.in_flight(position, hold.at)
            back = [view for view in views if view.arrived.asked in in_flight]
            if in_flight and (not back or (hold.named_until or 0) <= evidence.limit(back[0]) + TOLERANCE):
                continue
            latest = back[0].arrived.at if back else moment
            if not evidence.ended_at(position, latest):
                raise ViolationError(
                    f"import {position} with the deadline {deadline:.6f} goes on after {latest:.6f}, though "
                    f"at {hold.at:.6f} the API named {hold.named_until}"
                )


def events_tell_the_truth(evidence: Evidence) -> None:
    """Transitions, counts and statuses in the events are those of the responses."""
    changes = [0] * len(evidence.ends)
    unknown: set[tuple[object, str]] = set()
    positions = {ref: position for position, ref in enumerate(evidence.run.scenario.refs)}
    others = 0 if evidence.alone else len(evidence.run.arrived)
    for event in evidence.run.events:
        if isinstance(event, Changed):
            changes[positions[event.ref]] += 1
        if (
            isinstance(event, MetThrottle | Retrying)
            and not 1 <= event.in_a_row <= event.progress.polls + others
        ):
            raise ViolationError(f"{event.ref}: {type(event).__name__} {event.in_a_row} in a row")
        if isinstance(event, MetUnknownStatus):
            if (event.ref, event.status) in unknown:
                raise ViolationError(f"{event.ref}: the unknown status {event.status} is told twice")
            unknown.add((event.ref, event.status))
    for position, (views, end) in enumerate(zip(evidence.views, evidence.ends, strict=True)):
        if views and (end.left_behind or end.signal) and evidence.ended_at(position, views[-1].arrived.at):
            continue  # of two things at the very same moment either may be first
        counted = [view for view in views if view.arrived.at <= end.at.monotonic]
        statuses = [view.status for view in counted if view.arrived.served.meaning is Meaning.FOUND]
        seen = sum(1 for before, after in zip([None, *statuses], statuses, strict=False) if before != after)
        throttled = sum(1 for view in counted if view.arrived.served.meaning is Meaning.THROTTLED)
        told = (changes[position], end.progress.polls, end.progress.throttled)
        if told != (seen, len(counted), throttled):
            raise ViolationError(
                f"import {position}: told {told} transitions, polls and refusals; it was "
                f"{(seen, len(counted), throttled)}"
            )
        last = statuses[-1] if statuses else None
        if end.progress.status != (last if last is None else SHOWN.get(last, last)):
            raise ViolationError(
                f"import {position}: its last status was {last}, told is {end.progress.status}"
            )


def refusals_are_counted(evidence: Evidence) -> None:
    """A throttle event counts the 429s in a row: a usable answer ends the row, a fault may do so."""
    if not evidence.alone:
        return
    told = [event.in_a_row for event in evidence.run.events if isinstance(event, MetThrottle)]
    most = 0
    for view in evidence.views[0]:
        meaning = view.arrived.served.meaning
        if meaning is not Meaning.THROTTLED:
            most = most if meaning in FAULTS else 0
            continue
        most += 1
        if told and not view.refusals <= (count := told.pop(0)) <= most:
            raise ViolationError(f"the refusal at {view.arrived.at:.6f} is told as {count} in a row")
