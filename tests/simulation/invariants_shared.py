"""Invariants of several groups that share a loop."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tests.simulation import invariants_end as end
from tests.simulation import invariants_pace as pace
from tests.simulation import invariants_whole as whole
from tests.simulation.answers import Meaning
from tests.simulation.evidence import TOLERANCE, ViolationError
from tests.simulation.run import UNREAD_LIMIT
from tests.simulation.scenario import LimitKind, ResetStyle, Told
from watcher.core.events import Changed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.evidence import Evidence
    from tests.simulation.evidence_groups import Membership
    from tests.simulation.run import Asked, Run

PER_GROUP: tuple[Callable[[Evidence], None], ...] = (
    end.every_import_begins_and_ends_once,
    end.gateways_end_nothing,
    end.doubts_are_checked_on_a_new_connection,
    end.verdicts_are_obeyed,
    end.ends_are_earned,
    end.outages_end,
    end.clocks_end_waits,
    end.holds_past_the_deadline_end_all_waits,
    end.events_tell_the_truth,
    whole.success_is_earned,
    whole.imports_are_left_behind_only_after_a_decision,
    whole.signals_end_the_watch,
    whole.the_code_follows_the_contract,
    pace.no_request_past_the_deadline,
    pace.the_last_look_is_taken,
    pace.silence_is_bounded,
)
"""They hold for a group whatever the others do, unless its own consumer stalls."""


def every_request_has_a_reader(run: Run, groups: list[Membership]) -> None:
    """No request is sent for an import that no group waits for, such as one that was withdrawn."""
    for asked in run.asked:
        if not any(group.waits_for(asked, TOLERANCE) for group in groups):
            raise ViolationError(f"request {asked.number} goes at {asked.at:.6f}, but nobody waits for it")


def one_request_for_all(run: Run, _groups: list[Membership]) -> None:
    """An import has one request in flight, however many groups wait for it."""
    arrivals = {arrived.asked.number: arrived.at for arrived in run.arrived}
    for position in range(len(run.scenario.refs)):
        requests = [asked for asked in run.asked if asked.position == position]
        for earlier, later in pairwise(requests):
            if later.at < arrivals.get(earlier.number, -1.0) - TOLERANCE:
                raise ViolationError(f"request {later.number} goes while {earlier.number} is under way")


def no_request_before_a_named_moment(run: Run, groups: list[Membership]) -> None:
    """No request is sent before the latest time that an earlier response to any group named."""
    named = binding = -1.0
    arrivals = iter(run.arrived)
    arrived = next(arrivals, None)
    for asked in run.asked:
        while arrived is not None and arrived.at < asked.at - 2 * TOLERANCE:
            named = max(named, arrived.named_until or -1.0)
            if arrived.is_binding:
                binding = max(binding, arrived.named_until or -1.0)
            arrived = next(arrivals, None)
        if asked.at < (binding if _is_last_poll(asked, groups) else named) - TOLERANCE:
            raise ViolationError(
                f"request {asked.number} goes at {asked.at:.6f}, but the API named {named:.6f}"
            )


def every_request_is_due_for_somebody(run: Run, groups: list[Membership]) -> None:
    """A request is due by the schedule of a group that waits for it, so groups share their polls."""
    for asked in run.asked:
        waiting = [group for group in groups if group.waits_for(asked, TOLERANCE)]
        if any(group.plan.stall is not None or _is_due(asked, group) for group in waiting):
            continue
        raise ViolationError(f"request {asked.number} goes at {asked.at:.6f}, before it is due for anybody")


def no_refusal_is_our_own_fault(run: Run, _groups: list[Membership]) -> None:
    """If the account limit is known and nobody else uses it, no request of any group is refused."""
    if not _is_strict(run):
        return
    for arrived in run.arrived:
        if arrived.served.meaning is Meaning.THROTTLED:
            raise ViolationError(f"request {arrived.asked.number} is refused, by nobody's fault but our own")


def unread_events_are_bounded(_run: Run, groups: list[Membership]) -> None:
    """The queue of a consumer that stalls stays short, and it misses no transition."""
    for group in groups:
        imports = len(group.plan.positions)
        if group.log.most_unread > max(UNREAD_LIMIT, 3 * imports) + 3 * imports + 1:
            raise ViolationError(f"a consumer has {group.log.most_unread} unread events")
        last: dict[object, object] = {}
        for event in group.log.events:
            if isinstance(event, Changed):
                if event.transition.source != last.get(event.ref):
                    raise ViolationError(f"{event.ref}: a transition from {last.get(event.ref)} is missing")
                last[event.ref] = event.transition.to


OF_ALL: tuple[Callable[[Run, list[Membership]], None], ...] = (
    every_request_has_a_reader,
    one_request_for_all,
    no_request_before_a_named_moment,
    every_request_is_due_for_somebody,
    no_refusal_is_our_own_fault,
    unread_events_are_bounded,
)


def shared_violation(run: Run, groups: list[Membership]) -> str | None:
    """Return the first invariant that a run with several groups breaks, or None."""
    for invariant in OF_ALL:
        try:
            invariant(run, groups)
        except ViolationError as error:
            return f"{invariant.__name__}: {error}"
    for number, group in enumerate(groups):
        for one in PER_GROUP if group.plan.stall is None else ():
            try:
                one(group.evidence)
            except ViolationError as error:
                return f"{one.__name__}: group {number}: {error}"
    return None


def _is_strict(run: Run) -> bool:
    """Return whether the world is one of ``draw_strict_world``."""
    world = run.scenario.world
    return not (world.outages or world.blips or world.holds) and [
        (rule.kind, rule.told, rule.others, rule.resets) for rule in world.limits
    ] == [(LimitKind.ACCOUNT, Told.ALWAYS, 0.0, ResetStyle.TRUE)]


def _is_last_poll(asked: Asked, groups: list[Membership]) -> bool:
    """Return whether a request is the last poll of one of the groups that wait for it."""
    return any(
        group.evidence.is_last_poll(group.own(asked)) for group in groups if group.waits_for(asked, TOLERANCE)
    )


def _is_due(asked: Asked, group: Membership) -> bool:
    evidence, own = group.evidence, group.own(asked)
    if evidence.is_last_poll(own):
        return True
    earlier = [view for view in evidence.views[own.position] if view.arrived.asked.number < own.number]
    if not earlier:
        return True
    least, _ = pace.bounds(earlier[-1], group.plan.policy.max_interval)
    if earlier[-1].arrived.served.meaning is Meaning.MISSING:
        least = min(least, group.plan.policy.appear_within - earlier[-1].arrived.at)
    return own.at - earlier[-1].arrived.at >= least - TOLERANCE
