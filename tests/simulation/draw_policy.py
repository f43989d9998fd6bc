"""Draw the settings of a watch."""

from __future__ import annotations

import math
import signal
from typing import TYPE_CHECKING

from tests.simulation.draw_life import log_uniform
from tests.simulation.scenario import Interrupt, Wishes
from watcher.core.policy import Policy
from watcher.core.statuses import ImportStatus, Outcome, UnknownStatusRule

if TYPE_CHECKING:
    from random import Random

_INTERVALS = (
    (1.0, 30.0, 1.1),
    (1.0, 30.0, 1.1),
    (0.5, 5.0, 1.5),
    (1.0, 1.0, 1.0),
    (2.0, 60.0, 2.0),
    (5.0, 300.0, 1.3),
    (15.0, 15.0, 1.1),
    (0.1, 3.0, 1.2),
)
_REMAPPED = (
    Outcome.TIMEOUT,
    Outcome.STOPPED,
    Outcome.NOT_FOUND,
    Outcome.COMPLETE,
    Outcome.PENDING,
    Outcome.BLOCKED,
)


def draw_policy(random: Random, count: int) -> tuple[Policy, float]:
    """Draw the policy of each wait.

    Args:
        random: The source of chance.
        count: How many imports there are.

    Returns:
        The rules, and how long the imports may live for the number of polls to stay small.
    """
    least, most, growth = random.choice(_INTERVALS)
    polls = max(4.0, log_uniform(random, 6, 120) / count)
    longest = max(5.0, min(6 * 3600.0, polls * math.sqrt(least * most)))
    until = ImportStatus.COMPLETE if random.random() < 0.7 else random.choice(list(ImportStatus))
    others = [status for status in ImportStatus if status is not until]
    once = random.random() < 0.1
    timeout = math.inf
    if random.random() < (0.15 if once else 0.65):
        timeout = random.choice(
            (min(3600.0, 3 * longest), longest * random.uniform(0.1, 2), longest, random.uniform(0.5, 30))
        )
    budget = min(random.choice((300.0, 30.0, 5.0, random.uniform(1, 120))), 60 * most / (1 + count / 10))
    max_in_state = {}
    if random.random() < 0.25:
        for status in random.sample(list(ImportStatus), random.randint(1, 3)):
            max_in_state[status] = longest * random.uniform(0.05, 1)
    policy = Policy(
        until=until,
        fail_on=frozenset(random.sample(others, random.randint(1, 2)))
        if random.random() < 0.2
        else frozenset(),
        once=once,
        unknown_status=random.choice(
            (UnknownStatusRule.WAIT, UnknownStatusRule.WAIT, UnknownStatusRule.FAIL)
        ),
        timeout=timeout,
        max_in_state=max_in_state,
        outage_budget=math.inf if math.isfinite(timeout) and random.random() < 0.1 else budget,
        appear_within=random.choice((30.0, 30.0, 0.0, 5.0, min(120.0, longest))),
        min_interval=least,
        max_interval=most,
        growth=growth,
    )
    return policy, longest


def draw_wishes(random: Random, longest: float) -> Wishes:
    """Draw all other settings."""
    interrupt = None
    if random.random() < 0.12:
        number = random.choice((signal.SIGINT, signal.SIGTERM))
        interrupt = Interrupt(log_uniform(random, 0.01, max(1.0, longest)), int(number))
    remapped = {}
    if random.random() < 0.15:
        remapped[random.choice(_REMAPPED)] = random.choice((0, 9, 99))
    combination = random.random()
    return Wishes(
        any_suffices=combination < 0.2,
        fail_fast=0.12 < combination < 0.35,
        heartbeat=random.choice((60.0, 60.0, 5.0, math.inf)) if longest < 4000 else 600.0,
        request_timeout=random.choice((10.0, 10.0, 2.0, 30.0)),
        remapped=remapped,
        interrupt=interrupt,
    )
