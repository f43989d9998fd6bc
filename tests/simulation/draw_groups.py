"""Draw groups of imports that share a loop: they join, leave and stall at random times."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.simulation.draw_life import draw_life, log_uniform
from tests.simulation.draw_policy import draw_policy, draw_wishes
from tests.simulation.draw_world import draw_strict_world, draw_world
from tests.simulation.scenario import Flavour, GroupPlan, Scenario, Stall
from watcher.core.model import ImportRef

if TYPE_CHECKING:
    from random import Random

REQUEST_TIMEOUT = 10.0
_FLAVOURS = (Flavour.CALM, Flavour.FAULTY, Flavour.LIMITED, Flavour.MIXED)


def draw_groups(random: Random, seed: int) -> Scenario:
    """Draw a scenario with two to eight groups, many of whose imports are those of other groups as well."""
    count = random.choice((1, 2, 3, 3, random.randint(4, 8)))
    number = random.randint(2, 8)
    _, longest = draw_policy(random, count * number)
    plans = tuple(_draw_group(random, count, longest) for _ in range(number))
    bounded = all(_is_bounded(plan) for plan in plans)
    if random.random() < 0.2:
        world = draw_strict_world(random, random.choice((20, 40, 80)))
    else:
        world = draw_world(random, random.choice(_FLAVOURS), count * number, longest, bounded=bounded)
    appear_within = min(plan.policy.appear_within for plan in plans)
    lives = tuple(draw_life(random, longest, appear_within, may_hang=bounded) for _ in range(count))
    refs = tuple(
        ImportRef("default", "production", f"segment-{one % 2}", f"import-{one}") for one in range(count)
    )
    policy, wishes = plans[0].policy, plans[0].wishes
    return Scenario(seed, Flavour.SHARED, refs, lives, world, policy, wishes, plans)


def _draw_group(random: Random, count: int, longest: float) -> GroupPlan:
    positions = random.sample(range(count), random.randint(1, min(3, count)))
    policy, _ = draw_policy(random, count)
    timeout = random.choice((longest, 3 * longest, random.uniform(0.5, 30), math.inf))
    if math.isinf(timeout) or (policy.once and timeout < 30):
        policy = replace(policy, timeout=math.inf, outage_budget=min(policy.outage_budget, 300.0))
    else:
        policy = replace(policy, timeout=timeout)
    wishes = replace(draw_wishes(random, longest), request_timeout=REQUEST_TIMEOUT, remapped={})
    joins = random.choice((0.0, 0.0, random.uniform(0, longest), random.uniform(0, 2 * longest)))
    fate = random.random()
    if fate < 0.3:
        leaves = log_uniform(random, 0.01, max(1.0, longest))
        wishes = replace(wishes, interrupt=None)
        return GroupPlan(tuple(positions), policy, wishes, joins, leaves, cancelled=random.random() < 0.5)
    if fate < 0.5:
        stall = Stall(random.uniform(0, longest), log_uniform(random, 1, 4 * longest))
        wishes = replace(wishes, interrupt=None, heartbeat=1.0)  # so that many events are unread
        return GroupPlan(tuple(positions), policy, wishes, joins, stall=stall)
    return GroupPlan(tuple(positions), policy, wishes, joins)


def _is_bounded(plan: GroupPlan) -> bool:
    """Return whether a clock of the user's ends a group's waits."""
    return math.isfinite(plan.policy.timeout)
