"""Draw the environment: latencies, limits, faults and clocks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tests.simulation.draw_life import log_uniform
from tests.simulation.scenario import (
    DateStyle,
    Flavour,
    Latency,
    LimitKind,
    LimitRule,
    Outage,
    PlannedFault,
    ResetStyle,
    Told,
    World,
)

if TYPE_CHECKING:
    from random import Random

_NETWORK = (PlannedFault.DROP, PlannedFault.SILENCE, PlannedFault.UNKNOWN_HOST, PlannedFault.UNTRUSTED)
_GATEWAY = (
    PlannedFault.BAD_GATEWAY,
    PlannedFault.UNAVAILABLE,
    PlannedFault.UNAVAILABLE_SECONDS,
    PlannedFault.UNAVAILABLE_DATE,
    PlannedFault.REQUEST_TIMEOUT,
)
_NONSENSE = (
    PlannedFault.LOGIN_PAGE,
    PlannedFault.EMPTY,
    PlannedFault.CUT_OFF,
    PlannedFault.NO_STATUS,
    PlannedFault.NOT_UTF8,
    PlannedFault.NO_CONTENT,
    PlannedFault.ERROR_ENVELOPE,
)
_PAGES = (
    PlannedFault.REFUSING_PAGE,
    PlannedFault.BARE_FORBIDDEN,
    PlannedFault.FOREIGN_JSON,
    PlannedFault.UNAUTHORIZED_PAGE,
    PlannedFault.MISSING_PAGE,
    PlannedFault.BARE_GONE,
    PlannedFault.REDIRECT,
    PlannedFault.CONFLICT,
    PlannedFault.MISDIRECTED,
    PlannedFault.CLOSED_REQUEST,
)
_ADVERSE = (
    PlannedFault.FOREIGN_ID,
    PlannedFault.FOREIGN_SEGMENT,
    PlannedFault.BAD_REQUEST,
    PlannedFault.UNAUTHORIZED,
    PlannedFault.ROTATED_TOKEN,
    PlannedFault.FORBIDDEN,
    PlannedFault.NOT_FOUND,
    PlannedFault.GONE,
)
_FAMILIES = (_NETWORK, _GATEWAY, _NONSENSE, _PAGES, _ADVERSE)
_FAULTY = frozenset({Flavour.FAULTY, Flavour.MIXED, Flavour.CROWD})
_LIMITED = frozenset({Flavour.LIMITED, Flavour.MIXED})


def draw_world(random: Random, flavour: Flavour, count: int, longest: float, *, bounded: bool) -> World:
    """Draw the environment of a watch.

    Args:
        random: The source of chance.
        flavour: What the scenario is about.
        count: How many imports there are.
        longest: How long the imports may live.
        bounded: Whether a clock of the user's ends every wait, so that the world may be merciless.

    Returns:
        The world.
    """
    faulty, limited = flavour in _FAULTY, flavour in _LIMITED
    dates = DateStyle.TRUE
    if bounded and random.random() < 0.15:
        dates = random.choice((DateStyle.MISSING, DateStyle.GARBAGE))
    skew = 0.0
    if random.random() < 0.5:
        most = 1e8 if dates is DateStyle.TRUE else 600.0
        skew = random.choice((-1, 1)) * log_uniform(random, 0.5, most)
    return World(
        latency=_draw_latency(random),
        limits=_draw_limits(random, count, bounded=bounded) if limited else (),
        outages=_draw_outages(random, count, longest, bounded=bounded) if faulty else (),
        blips=random.choice((0.0, 0.05, 0.2)) if faulty else 0.0,
        blip_faults=_draw_faults(random),
        dates=dates,
        holds=random.choice((0.0, 0.0, 0.1)) if faulty or limited else 0.0,
        skew=skew,
    )


def draw_strict_world(random: Random, size: int) -> World:
    """Draw a world without faults and other users, whose account limit is known."""
    latency = Latency(0.02, random.choice((0.2, 0.5, 1.5)), random.choice((0.0, 0.5)))
    limit = LimitRule(LimitKind.ACCOUNT, size, Told.ALWAYS, 0.0, ResetStyle.TRUE, random.random() < 0.5)
    return World(
        latency, (limit,), skew=random.choice((0.0, random.uniform(-1, 1) * log_uniform(random, 1, 1e8)))
    )


def _draw_latency(random: Random) -> Latency:
    least, most = random.choice(((0.02, 0.3), (0.02, 0.3), (0.001, 0.01), (0.05, 3.0), (0.5, 15.0)))
    return Latency(least, most, random.choice((0.0, 0.0, 0.0, 0.5)))


def _draw_faults(random: Random) -> tuple[PlannedFault, ...]:
    if random.random() < 0.25:
        return tuple(PlannedFault)
    if random.random() < 0.4:
        return (random.choice(random.choice(_FAMILIES)),)
    return random.choice(_FAMILIES)


def _draw_outages(random: Random, count: int, longest: float, *, bounded: bool) -> tuple[Outage, ...]:
    outages = []
    for _ in range(random.choice((0, 1, 1, 2))):
        begins = random.choice((0.0, random.uniform(0, longest)))
        ends = math.inf if random.random() < 0.25 else begins + log_uniform(random, 0.5, 900)
        faults = _draw_faults(random)
        if not bounded:
            faults = tuple(fault for fault in faults if fault is not PlannedFault.BARE_REFUSAL) or _GATEWAY
        victim = None if random.random() < 0.6 else random.randrange(count)
        outages.append(Outage(begins, ends, faults, victim))
    return tuple(outages)


def _draw_limits(random: Random, count: int, *, bounded: bool) -> tuple[LimitRule, ...]:
    kinds = random.sample(list(LimitKind), random.choice((1, 1, 2, 4)))
    told = random.choice((Told.ALWAYS, Told.ALWAYS, Told.REFUSALS, Told.REFUSALS, Told.NEVER))
    resets = ResetStyle.TRUE if random.random() < 0.55 else random.choice(list(ResetStyle))
    others = random.choice((0.0, 0.3, 0.9, 1.1 if bounded else 0.8))
    sized = random.random() < 0.5
    return tuple(
        LimitRule(kind, max(1, int(log_uniform(random, 2, 5 + 2 * count))), told, others, resets, sized)
        for kind in kinds
    )
