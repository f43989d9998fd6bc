"""Tests of intervals, backoff and jitter."""

from __future__ import annotations

from itertools import islice, pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core import schedule
from watcher.core.policy import Policy

seconds = st.floats(0.001, 1e6)
chance = st.integers().map(Random)


@given(seconds, seconds, st.floats(1, 100))
def test_waits_grow_up_to_the_ceiling(first: float, ceiling: float, growth: float) -> None:
    """Waits never shrink, never exceed the ceiling and never overflow."""
    waits = list(islice(schedule.growing(first, ceiling, growth), 2000))
    assert waits[0] == min(first, ceiling)
    assert all(earlier <= later for earlier, later in pairwise(waits))
    assert max(waits) <= ceiling


def test_the_default_waits() -> None:
    """The default intervals grow by a tenth from 1 s to 25 s."""
    policy = Policy()
    waits = list(islice(schedule.growing(policy.min_interval, policy.max_interval, policy.growth), 40))
    assert waits[:3] == pytest.approx([1.0, 1.1, 1.21])
    assert waits[-1] == 25.0


@given(seconds, chance)
def test_polls_vary_by_up_to_a_tenth_of_the_interval(interval: float, random: Random) -> None:
    """Polls vary by up to 10 % of the interval."""
    assert 0.9 * interval <= schedule.poll_wait(interval, random) <= 1.1 * interval * (1 + 1e-9)


@given(seconds, chance)
def test_retries_after_faults_have_full_jitter(ceiling: float, random: Random) -> None:
    """Retries after faults have full jitter, from 0 to the ceiling."""
    assert 0 <= schedule.fault_wait(ceiling, random) <= ceiling


@given(seconds, chance)
def test_the_wait_after_a_429_is_at_least_half_the_ceiling(ceiling: float, random: Random) -> None:
    """The wait after a 429 is at least half of the ceiling."""
    assert ceiling / 2 <= schedule.throttle_wait(ceiling, random) <= ceiling


def test_the_ceilings_after_429s() -> None:
    """The ceilings double from 2 s to a minute."""
    assert list(islice(schedule.throttle_ceilings(), 7)) == [2, 4, 8, 16, 32, 60, 60]


@given(seconds, chance)
def test_jitter_only_adds_to_a_named_wait(wait: float, random: Random) -> None:
    """Jitter only adds to a named wait."""
    assert 0 <= schedule.after_named(wait, random) <= max(1.0, wait / 10)


def test_parallel_waits_spread_out() -> None:
    """A hundred waits for the same time spread over at least a second."""
    moments = sorted(schedule.after_named(5.0, Random(seed)) for seed in range(100))
    assert moments[-1] - moments[0] > 0.8
    assert max(later - earlier for earlier, later in pairwise(moments)) < 0.2
