"""Draw a whole scenario from a seed."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.simulation.draw_groups import draw_groups
from tests.simulation.draw_life import draw_life
from tests.simulation.draw_policy import draw_policy, draw_wishes
from tests.simulation.draw_world import draw_strict_world, draw_world
from tests.simulation.scenario import (
    Flavour,
    Phase,
    Scenario,
    Wishes,
)
from tests.simulation.virtual import dice
from watcher.core.model import ImportRef
from watcher.core.policy import Policy

if TYPE_CHECKING:
    from random import Random

_WEIGHTS = {
    Flavour.CALM: 20,
    Flavour.FAULTY: 27,
    Flavour.LIMITED: 20,
    Flavour.MIXED: 28,
    Flavour.POLITE: 3,
    Flavour.TIGHT: 1.5,
    Flavour.CROWD: 0.5,
}

SHARED_EVERY = 4
"""One seed in this many has several groups."""


def draw(seed: int) -> Scenario:
    """Return the scenario of a seed; the same seed gives the same scenario."""
    random = dice(seed, 0)
    if seed % SHARED_EVERY == SHARED_EVERY - 1:
        return draw_groups(random, seed)
    flavour = random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
    match flavour:
        case Flavour.POLITE:
            return _draw_polite(random, seed)
        case Flavour.TIGHT:
            return _draw_tight(random, seed)
        case Flavour.CROWD:
            return _draw_any(random, seed, flavour, random.randint(101, 130))
        case _:
            count = random.choices((1, 2, random.randint(3, 9), random.randint(10, 60)), (60, 18, 19, 3))[0]
            return _draw_any(random, seed, flavour, count)


def _draw_any(random: Random, seed: int, flavour: Flavour, count: int) -> Scenario:
    policy, longest = draw_policy(random, count)
    wishes = draw_wishes(random, longest)
    bounded = math.isfinite(policy.timeout) or wishes.interrupt is not None or policy.once
    world = draw_world(random, flavour, count, longest, bounded=bounded and math.isfinite(policy.timeout))
    lives = tuple(
        draw_life(random, longest, policy.appear_within, may_hang=bounded and not policy.max_in_state)
        for _ in range(count)
    )
    return Scenario(seed, flavour, _refs(count), lives, world, policy, wishes)


def _draw_polite(random: Random, seed: int) -> Scenario:
    """Draw many imports under a known account limit, without faults and other users."""
    count = random.choice((2, 8, 20, 40, 60))
    policy, _ = draw_policy(random, 1)
    policy = replace(
        Policy(min_interval=random.uniform(1, 5), max_interval=random.uniform(5, 30), growth=1.5),
        until=policy.until,
        timeout=math.inf if random.random() < 0.7 else random.uniform(20, 200),
        appear_within=30.0,
    )
    longest = min(120.0, 300 / count * policy.min_interval)
    hangs = math.isfinite(policy.timeout)
    lives = tuple(draw_life(random, longest, 20.0, may_hang=hangs) for _ in range(count))
    size = random.choice((8, 20, 40, 40, 80))
    return Scenario(
        seed,
        Flavour.POLITE,
        _refs(count),
        lives,
        draw_strict_world(random, size),
        policy,
        _plain_wishes(random),
    )


def _draw_tight(random: Random, seed: int) -> Scenario:
    """Draw many imports of similar length that share far too few requests."""
    count = random.randint(8, 30)
    policy = Policy(
        min_interval=random.uniform(1, 3), max_interval=random.uniform(3, 20), growth=1.3, timeout=math.inf
    )
    whole = random.uniform(120, 300)
    lives = tuple(
        (
            Phase(0.0, "preparing"),
            Phase(random.uniform(0, whole), "in_progress"),
            Phase(whole * random.uniform(1, 1.1), "complete"),
        )
        for _ in range(count)
    )
    size = random.randint(8, 20)
    return Scenario(
        seed,
        Flavour.TIGHT,
        _refs(count),
        lives,
        draw_strict_world(random, size),
        policy,
        _plain_wishes(random),
    )


def _plain_wishes(random: Random) -> Wishes:
    return Wishes(
        any_suffices=False,
        fail_fast=False,
        heartbeat=random.choice((60.0, math.inf)),
        request_timeout=10.0,
        remapped={},
        interrupt=None,
    )


def _refs(count: int) -> tuple[ImportRef, ...]:
    return tuple(
        ImportRef("default", "production", f"segment-{position % 3}", f"import-{position}")
        for position in range(count)
    )
