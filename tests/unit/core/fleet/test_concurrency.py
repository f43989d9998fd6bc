"""Tests of the limit on requests in flight while the rate limit is unknown."""

from __future__ import annotations

import math

import pytest

from watcher.core.fleet.concurrency import Concurrency


def in_flight(count: int) -> Concurrency:
    """Return a concurrency with this many requests in flight."""
    concurrency = Concurrency()
    for _ in range(count):
        concurrency.start()
    return concurrency


def growth(concurrency: Concurrency, replies: int, *, is_limit_known: bool = False) -> list[float]:
    """Return the limit after each of several usable responses."""
    limits = []
    for _ in range(replies):
        concurrency.grow(is_limit_known=is_limit_known, is_fault=False)
        limits.append(concurrency.limit)
    return limits


def test_the_first_request_is_sent_alone() -> None:
    """The limit starts at one, and a request counts against it until its reply."""
    concurrency = Concurrency()
    assert concurrency.allows(concurrency.limit)
    concurrency.start()
    assert not concurrency.allows(concurrency.limit)
    assert concurrency.allows(2)
    assert concurrency.in_flight == 1
    concurrency.finish(0.0)
    assert concurrency.allows(concurrency.limit)
    assert concurrency.in_flight == 0


@pytest.mark.parametrize(("asked_at", "counts"), [(9.9, True), (10.0, False), (10.1, False)])
def test_only_replies_to_later_requests_count_after_a_restart(asked_at: float, *, counts: bool) -> None:
    """After a restart a single request is sent, whatever happens to the earlier ones."""
    concurrency = in_flight(3)
    concurrency.limit = 8
    concurrency.restart(10.0)
    assert (concurrency.limit, concurrency.in_flight) == (1, 3)
    assert concurrency.allows(concurrency.limit)
    concurrency.start()
    concurrency.finish(asked_at)
    assert concurrency.in_flight == 3
    assert concurrency.allows(concurrency.limit) is not counts


def test_each_reply_frees_the_place_of_one_request() -> None:
    """A reply makes room for one more request."""
    concurrency = in_flight(3)
    concurrency.finish(0.0)
    assert (concurrency.allows(2), concurrency.allows(3)) == (False, True)


def test_a_request_of_the_same_moment_as_a_restart_frees_no_second_one() -> None:
    """A reply that may be to a request from before the restart never allows two requests."""
    concurrency = in_flight(1)
    concurrency.restart(10.0)
    concurrency.finish(10.0)
    concurrency.start()
    assert not concurrency.allows(concurrency.limit)


def test_without_a_throttle_each_response_doubles_the_limit() -> None:
    """An unknown limit grows fast until the first 429, and a known one needs no concurrency limit."""
    assert growth(Concurrency(), 4) == [2, 4, 8, 16]
    assert growth(Concurrency(), 2, is_limit_known=True) == [math.inf, math.inf]


@pytest.mark.parametrize("is_limit_known", [False, True])
def test_after_a_throttle_the_limit_grows_slowly_above_half(*, is_limit_known: bool) -> None:
    """Above half of what was in flight, a whole round of responses raises the limit by about one."""
    concurrency = in_flight(11)
    concurrency.set_threshold()
    limits = growth(concurrency, 5, is_limit_known=is_limit_known)
    assert limits == pytest.approx([2, 4, 6, 6 + 1 / 6, 6 + 1 / 6 + 6 / 37])
    concurrency.restart(1.0)
    assert growth(concurrency, 4, is_limit_known=is_limit_known) == pytest.approx([2, 4, 6, 6 + 1 / 6])


def test_the_smallest_threshold_is_two() -> None:
    """A throttle of a single request does not slow the growth below two."""
    concurrency = Concurrency()
    concurrency.set_threshold()
    assert growth(concurrency, 3) == [2, 2.5, 2.9]


@pytest.mark.parametrize("is_limit_known", [False, True])
def test_faults_double_the_limit_above_the_threshold(*, is_limit_known: bool) -> None:
    """A fault says nothing about limits."""
    concurrency = Concurrency()
    concurrency.set_threshold()
    for limit in (2, 4, 8, 16):
        concurrency.grow(is_limit_known=is_limit_known, is_fault=True)
        assert concurrency.limit == limit
