"""The evidence of each group of a run with several, as if it were alone and had begun at 0."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.simulation.answers import Meaning
from tests.simulation.evidence import TOLERANCE, Evidence, ViolationError, has_one_end_each
from tests.simulation.oracle import views
from tests.simulation.run import Arrived, Asked, GroupLog, Run
from tests.simulation.scenario import Interrupt
from tests.simulation.virtual import local_unix
from watcher.core.events import Ended, Event
from watcher.core.exit_codes import ExitCodes
from watcher.core.model import Instant
from watcher.core.statuses import Outcome

if TYPE_CHECKING:
    from tests.simulation.scenario import GroupPlan, Scenario
    from watcher.core.model import ImportRef

FOREIGN = -1
"""The position of another group's import."""

_LEFT = 15
"""The signal by which a group that was left seems to have ended."""


@dataclass(frozen=True, slots=True)
class Membership:
    """A group and how long each of its imports was watched, in seconds of the whole run.

    Attributes:
        evidence: The evidence of the group; its times count from when it joined.
        ends_at: When the wait for each position of the scenario ended.
    """

    log: GroupLog
    evidence: Evidence
    ends_at: dict[int, float]

    @property
    def plan(self) -> GroupPlan:
        """The plan of the group."""
        return self.log.plan

    def waits_for(self, asked: Asked, tolerance: float) -> bool:
        """Return whether the group waited for the import of a request when it was sent."""
        ends_at = self.ends_at.get(asked.position, -math.inf)
        return self.plan.joins - tolerance <= asked.at <= ends_at + tolerance

    def own(self, asked: Asked) -> Asked:
        """Return a request for one of the group's imports with its position and time in the group."""
        position = self.plan.positions.index(asked.position)
        return replace(asked, position=position, at=asked.at - self.plan.joins)


def gather_groups(run: Run) -> list[Membership]:
    """Return the evidence of each group that joined.

    Raises:
        ViolationError: The run crashed, got stuck, or a group that was not left did not end.
    """
    if run.crash is not None:
        raise ViolationError(f"the loop broke: {type(run.crash).__name__}: {run.crash}")
    return [_gather_group(run, log) for log in run.groups]


def _gather_group(run: Run, log: GroupLog) -> Membership:
    plan = log.plan
    refs = [run.scenario.refs[position] for position in plan.positions]
    events, wishes = list(log.events), plan.wishes
    ended = {event.ref for event in events if isinstance(event, Ended)}
    if log.left_at is not None and plan.leaves is not None and len(ended) < len(refs):
        wishes = replace(wishes, interrupt=Interrupt(log.left_at - plan.joins, _LEFT))
        events += [_left(log, ref) for ref in refs if ref not in ended]
    ends = {event.ref: event for event in events if isinstance(event, Ended)}
    if not has_one_end_each(len(refs), list(ends.values())):
        raise ViolationError(f"{len(refs)} imports of a group have {len(ends)} ends")
    ends_at = {run.scenario.refs.index(end.ref): end.at.monotonic for end in ends.values()}
    own = _own_run(run, plan, ends_at)
    own.scenario = replace(own.scenario, wishes=wishes)
    own.events = [_shifted_event(event, plan.joins, run.scenario) for event in events]
    own.result = ExitCodes(wishes.remapped).result(own.ends, any_suffices=wishes.any_suffices)
    by_ref = {end.ref: end for end in own.ends}
    asked: list[list[Asked]] = [[] for _ in refs]
    for request in own.asked:
        asked[request.position].append(request)
    disturbed = bool(run.scenario.world.limits) or any(map(_disturbs, run.arrived))
    evidence = Evidence(own, views(own), asked, [by_ref[ref] for ref in refs], not disturbed, alone=False)
    return Membership(log, evidence, ends_at)


def _disturbs(arrived: Arrived) -> bool:
    return arrived.named_until is not None or arrived.served.meaning is Meaning.THROTTLED


def _own_run(run: Run, plan: GroupPlan, ends_at: dict[int, float]) -> Run:
    """Return the requests for a group, and all responses, because the holds are shared."""
    joins = plan.joins
    own = {position: number for number, position in enumerate(plan.positions)}
    asked: dict[int, Asked] = {}
    for request in run.asked:
        # One at the very moment of the end is for other groups.
        if request.position in own and joins <= request.at < ends_at[request.position] - TOLERANCE:
            moved = replace(request, position=own[request.position], at=request.at - joins)
            asked[request.number] = moved
    arrived = []
    for response in run.arrived:
        request = response.asked
        mine = asked.get(request.number)
        if mine is None or response.at > ends_at[request.position]:
            mine = replace(request, position=FOREIGN, at=request.at - joins)
        arrived.append(_shifted_response(response, mine, joins))
    scenario = replace(
        run.scenario,
        refs=tuple(run.scenario.refs[position] for position in plan.positions),
        lives=tuple(run.scenario.lives[position] for position in plan.positions),
        policy=plan.policy,
        wishes=plan.wishes,
        groups=(),
    )
    return Run(scenario, list(asked.values()), arrived)


def _shifted_response(response: Arrived, asked: Asked, joins: float) -> Arrived:
    named, told = response.named_until, response.told_until
    return replace(
        response,
        asked=asked,
        at=response.at - joins,
        named_until=None if named is None else named - joins,
        told_until=None if told is None else told - joins,
    )


def _shifted_event(event: Event, joins: float, scenario: Scenario) -> Event:
    moment = event.at.monotonic
    return replace(event, at=Instant(moment - joins, local_unix(moment, scenario.world.skew)))


def _left(log: GroupLog, ref: ImportRef) -> Ended:
    """Return the end of an import whose group was left, as if a signal had ended it."""
    last = [event for event in log.events if event.ref == ref][-1]
    at = Instant(log.left_at or 0.0, last.at.unix)
    progress = log.progress.get(ref, last.progress)
    return Ended(ref, at, progress, Outcome.INTERRUPTED, "left", signal=_LEFT)
