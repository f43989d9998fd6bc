"""Invariants of the requests: not too early, not past the deadline, not more than scheduled."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tests.simulation.answers import Meaning
from tests.simulation.evidence import TOLERANCE, ViolationError
from tests.simulation.oracle import ADVERSE, FAULTS, LONGEST_BACKOFF
from tests.simulation.scenario import Flavour
from watcher.api.in_flight import MAX_IN_FLIGHT
from watcher.core.events import Changed, Ended, Heartbeat, MetThrottle, MetUnknownStatus, Retrying, Watching
from watcher.core.fleet.agenda import LAST_POLL_GRACE
from watcher.core.fleet.limiter import NEXT_REQUEST_AFTER
from watcher.core.statuses import Outcome

if TYPE_CHECKING:
    from tests.simulation.evidence import Evidence
    from tests.simulation.oracle import View

_TOLD = (Watching, Changed, MetUnknownStatus, Heartbeat, Ended)
_JITTER = 0.1
_SHORTEST_BACKOFF = 1.0


def no_request_before_a_named_moment(evidence: Evidence) -> None:
    """No request is sent before the latest time that an earlier response named.

    A last poll need not respect the time of a fault.
    """
    named, binding, arrivals = -1.0, -1.0, iter(evidence.run.arrived)
    arrived = next(arrivals, None)
    for asked in evidence.run.asked:
        # Of an answer of the very same moment it is open which was first.
        while arrived is not None and arrived.at < asked.at - 2 * TOLERANCE:
            named = max(named, arrived.named_until or -1.0)
            if arrived.is_binding:
                binding = max(binding, arrived.named_until or -1.0)
            arrived = next(arrivals, None)
        if asked.at < (binding if evidence.is_last_poll(asked) else named) - TOLERANCE:
            raise ViolationError(
                f"request {asked.number} goes at {asked.at:.6f}, but the API named {named:.6f}"
            )


def refusals_back_off(evidence: Evidence) -> None:
    """After a 429 without a named time an import waits half a ceiling that doubles from 2 s to 60 s."""
    alone = evidence.alone
    for position in range(len(evidence.ends)):
        for view, asked in evidence.followed(position):
            if view.arrived.served.meaning is not Meaning.THROTTLED or evidence.is_last_poll(asked):
                continue
            if view.arrived.named_until is None:
                least = min(60.0, 2.0 ** (view.refusals if alone else 1)) / 2
                if asked.at < view.arrived.at + least - TOLERANCE:
                    raise ViolationError(
                        f"request {asked.number} goes {asked.at - view.arrived.at:.6f} s after refusal "
                        f"{view.refusals} in a row, which is less than {least} s"
                    )


def refusals_hold_everybody(evidence: Evidence) -> None:
    """After a 429 without a named time no request is sent for a second, except a last poll."""
    held, arrivals = -1.0, iter(evidence.run.arrived)
    refused = -1.0
    arrived = next(arrivals, None)
    for asked in evidence.run.asked:
        while arrived is not None and arrived.at < asked.at - 2 * TOLERANCE:
            # Those that were sent before an earlier refusal came belong to it.
            if arrived.served.meaning is Meaning.THROTTLED and arrived.asked.at >= refused:
                refused = arrived.at
                held = arrived.at + _SHORTEST_BACKOFF if arrived.named_until is None else held
            arrived = next(arrivals, None)
        if asked.at < held - TOLERANCE and not evidence.is_last_poll(asked):
            raise ViolationError(f"request {asked.number} goes at {asked.at:.6f}, held until {held:.6f}")


def no_request_past_the_deadline(evidence: Evidence) -> None:
    """No request is sent past a deadline, and no wait ends later than one request after it.

    Only in a fleet, those that lack room, or their turn under a rate limit, wait a little for it.
    """
    request_timeout = evidence.run.scenario.wishes.request_timeout
    is_small = evidence.run.scenario.flavour is not Flavour.SHARED and len(evidence.ends) <= MAX_IN_FLIGHT
    waits_for_none = evidence.alone or (is_small and evidence.undisturbed)
    queue = 0.0 if waits_for_none else LAST_POLL_GRACE
    for asked in evidence.run.asked:
        deadline = evidence.deadline_at(asked.position, asked.at)
        if asked.at > deadline + queue + 10 * TOLERANCE:  # several timers round up
            raise ViolationError(
                f"request {asked.number} goes at {asked.at:.6f}, past its deadline {deadline:.6f}"
            )
    for position, end in enumerate(evidence.ends):
        view = evidence.last_view(position)
        deadline = evidence.run.scenario.policy.timeout
        if view is not None:
            deadline = max(view.deadline_before, view.deadline)
        if end.at.monotonic > deadline + queue + request_timeout + 10 * TOLERANCE:  # several timers round up
            raise ViolationError(
                f"import {position} ends at {end.at.monotonic:.6f}, its deadline is {deadline:.6f}"
            )


def the_last_look_is_taken(evidence: Evidence) -> None:
    """An undisturbed wait times out only after a response at or past its deadline."""
    if not evidence.undisturbed or evidence.run.scenario.flavour is Flavour.CROWD:
        return
    for position, end in enumerate(evidence.ends):
        if end.outcome is not Outcome.TIMEOUT:
            continue
        view = evidence.last_view(position)
        if view is None or abs(view.arrived.at - end.at.monotonic) > TOLERANCE:
            raise ViolationError(f"import {position} timed out at {end.at.monotonic:.6f} without a last look")


def one_request_at_a_time(evidence: Evidence) -> None:
    """No import has two requests in flight."""
    for position, requests in enumerate(evidence.asked):
        arrived = {view.arrived.asked.number: view.arrived.at for view in evidence.views[position]}
        for earlier, later in pairwise(requests):
            if later.at < arrived.get(earlier.number, later.at + 1):
                raise ViolationError(
                    f"request {later.number} goes while request {earlier.number} is under way"
                )


def the_first_request_goes_alone(evidence: Evidence) -> None:
    """Until the first response only one request is sent, and more only if it hangs."""
    first = min((arrived.at for arrived in evidence.run.arrived), default=0.0)
    for before, asked in pairwise(evidence.run.asked):
        if (
            asked.at < first - TOLERANCE
            and asked.at < before.at + NEXT_REQUEST_AFTER - TOLERANCE
            and not evidence.is_last_poll(asked)
        ):
            raise ViolationError(f"request {asked.number} goes at {asked.at:.6f}, before the first answer")


def the_schedule_is_kept(evidence: Evidence) -> None:
    """Polls follow the growing intervals within their jitter: never earlier, and undisturbed never later."""
    policy = evidence.run.scenario.policy
    undisturbed = evidence.undisturbed and evidence.alone
    for position in range(len(evidence.ends)):
        for view, asked in evidence.followed(position):
            wait = asked.at - view.arrived.at
            least, most = bounds(view, policy.max_interval)
            if view.arrived.served.meaning is Meaning.MISSING:
                least = min(least, policy.appear_within - view.arrived.at)
            if wait < least - TOLERANCE and not evidence.is_last_poll(asked):
                raise ViolationError(
                    f"request {asked.number} goes {wait:.6f} s after an answer, not {least:.6f} s"
                )
            if undisturbed and wait > most + 2 * TOLERANCE:
                raise ViolationError(
                    f"request {asked.number} goes {wait:.6f} s after an answer, not {most:.6f} s"
                )


def the_announced_wait_is_the_real_wait(evidence: Evidence) -> None:
    """The next poll of a single import is at the time that the event before announced."""
    if not evidence.alone:
        return
    announced = [event for event in evidence.run.events if isinstance(event, MetThrottle | Retrying)]
    for event in announced:
        at = event.at.monotonic
        following = next((asked for asked in evidence.asked[0] if asked.at >= at), None)
        if following is not None and abs(following.at - at - event.wait) > 10 * TOLERANCE:
            raise ViolationError(
                f"at {at:.6f} a wait of {event.wait:.6f} s is announced, but the next request goes at "
                f"{following.at:.6f}"
            )


def no_wait_without_a_reason(evidence: Evidence) -> None:
    """A single import waits no longer than schedule, named times and backoff explain."""
    if not evidence.alone:
        return
    told = 0.0
    for view, asked in evidence.followed(0):
        at = view.arrived.at
        told = max(told, view.arrived.told_until or 0.0)
        most = max(bounds(view, evidence.run.scenario.policy.max_interval)[1], LONGEST_BACKOFF)
        latest = max(at + most, at + (told - at) * (1 + _JITTER) + 1)
        if asked.at > latest + 2 * TOLERANCE:
            raise ViolationError(
                f"request {asked.number} goes at {asked.at:.6f}, though nothing holds it after {latest:.6f}"
            )


def bounds(view: View, longest: float) -> tuple[float, float]:
    """Return the shortest and the longest wait after a response by the schedule, in seconds."""
    if view.interval is not None:
        return view.interval * (1 - _JITTER), view.interval * (1 + _JITTER)
    if view.arrived.served.meaning in FAULTS:
        return 0.0, min(longest, max(0.0, view.ends - view.arrived.at))
    if view.arrived.served.meaning in ADVERSE:
        return 0.0, longest * (1 + _JITTER)
    return 0.0, longest


def silence_is_bounded(evidence: Evidence) -> None:
    """There is at least one event in each heartbeat interval."""
    heartbeat = evidence.run.scenario.wishes.heartbeat
    told = [event.at.monotonic for event in evidence.run.events if isinstance(event, _TOLD)]
    for earlier, later in pairwise(told):
        if later - earlier > heartbeat + 2 * TOLERANCE:
            raise ViolationError(f"nothing is told from {earlier:.6f} to {later:.6f}")
