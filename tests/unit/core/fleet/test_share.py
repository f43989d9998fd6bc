"""Tests of the fair share of a rate limit."""

from __future__ import annotations

import math
from email.utils import formatdate
from random import Random

import pytest

from tests.support.driving import THROTTLED, seen
from watcher.core.answers.rate_limits import RateLimits, read_rate_limits
from watcher.core.fleet.limiter import Limiter
from watcher.core.fleet.share import Share

EPOCH = 1_767_600_000


@pytest.fixture
def share() -> Share:
    """Return a share of a limit of five that others have just used up."""
    share = Share()
    share.observe(5, 0, 1, 9.0, throttled=False)
    return share


def route(remaining: int, at: float, size: int = 5) -> RateLimits:
    """Return a route limit in a response; windows begin at multiples of ten seconds."""
    ends = EPOCH + (at // 10 + 1) * 10
    headers = {
        "date": formatdate(EPOCH + int(at), usegmt=True),
        "x-ratelimit-route-limit": str(size),
        "x-ratelimit-route-remaining": str(remaining),
        "x-ratelimit-reset": str(int(ends * 1000)),
    }
    return read_rate_limits(headers, 0.0)


def test_a_process_alone_has_no_share() -> None:
    """Windows that this process uses up by itself cause no pacing."""
    share = Share()
    for own in range(1, 6):
        share.observe(5, 5 - own, own, own * 2.0, throttled=False)
    assert share.spacing == 0


def test_others_that_leave_enough_cause_no_share() -> None:
    """Others cause no pacing before the window is almost used up."""
    share = Share()
    share.observe(5, 2, 1, 9.0, throttled=False)
    assert share.spacing == 0


def test_a_single_throttle_causes_no_share() -> None:
    """A 429 alone does not prove that others use the limit all the time."""
    share = Share()
    share.observe(5, 0, 0, 5.0, throttled=True)
    assert share.spacing == 0


def test_a_used_up_window_causes_a_share(share: Share) -> None:
    """Requests are spaced when others have used up a window."""
    assert 0 < share.requests < 2
    assert share.spacing == 10 / share.requests


def test_a_share_shrinks_as_others_use_more(share: Share) -> None:
    """A share becomes small while others use everything, but requests stay at most 40 s apart."""
    for _ in range(50):
        share.observe(5, 0, 0, 1.0, throttled=True)
    assert share.requests < 0.35
    assert share.spacing <= 40


def test_a_share_ends_with_the_others(share: Share) -> None:
    """Soon after the others have ended, nothing is paced."""
    for _ in range(12):
        share.observe(5, 4, 1, 5.0, throttled=False)
    assert share.spacing == 0


def test_unequal_shares_become_more_equal() -> None:
    """Two processes that know each other's rates end with about equal shares of what is usable."""
    shares = [Share(), Share()]
    shares[0].observe(40, 0, 30, 10.0, throttled=False)
    shares[1].observe(40, 0, 10, 10.0, throttled=False)
    for _ in range(300):
        rates = [round(share.requests) for share in shares]
        used = sum(rates)
        for share, own in zip(shares, rates, strict=True):
            share.observe(40, max(0, 40 - used), own, 10.0, throttled=False)
    assert 0.6 < shares[0].requests / shares[1].requests < 1.6
    assert 25 < sum(share.requests for share in shares) < 45


def paced() -> tuple[Limiter, float]:
    """Return a limiter whose only request met a window that others use up, and its next time."""
    limiter = Limiter(Random(1))
    limiter.start(8.0)
    limiter.observe(seen("ready"), route(0, 8.0), 8.0, 8.1)
    return limiter, limiter.ready_at(8.1)


def test_requests_are_spread_over_the_windows() -> None:
    """The next request waits for its share, not only for the next window."""
    limiter, moment = paced()
    assert 13.0 < moment < 30.0
    assert limiter.ready_at(8.1, last=True) < 13.0


def test_a_throttled_request_is_repeated_at_the_start_of_the_next_window() -> None:
    """A 429 is followed by a request in the first seconds of the next window."""
    limiter, moment = paced()
    limiter.start(moment)
    arrived = moment + 0.1
    hold = limiter.observe(THROTTLED, route(0, arrived), moment, arrived)
    ends = (arrived // 10 + 1) * 10
    assert hold is not None
    assert ends <= limiter.ready_at(arrived) == hold.resume_at <= ends + 2.2


def test_a_throttle_without_headers_ends_with_the_known_window() -> None:
    """Under a shared limit, a 429 without headers is not repeated in the same window."""
    limiter, moment = paced()
    limiter.start(moment)
    arrived = moment + 0.1
    hold = limiter.observe(THROTTLED, RateLimits(), moment, arrived)
    assert hold is not None
    assert not hold.named
    assert (arrived // 10 + 1) * 10 <= hold.resume_at <= (arrived // 10 + 1) * 10 + 3
    assert limiter.ready_at(arrived) == hold.resume_at


@pytest.mark.parametrize(("others", "least"), [(0, 28), (10, 20), (20, 10)])
def test_a_process_with_many_imports_uses_what_is_free(others: int, least: int) -> None:
    """A busy process uses what others leave of a window without its reserve, and leaves them theirs."""
    limiter, own, window, sent = Limiter(Random(1)), 0, 0, 0
    for tick in range(60_000):
        now = tick / 100
        if now // 10 != window:
            window, own = int(now // 10), 0
        if limiter.ready_at(now) > now:
            continue
        limiter.start(now)
        own, sent = own + 1, sent + 1
        used = own + int(others * (now % 10) / 10)
        assert used <= 40
        limiter.observe(seen("ready"), route(40 - used, now, 40), now, now)
    assert least <= sent / 60 <= 40 - others


def observed(*replies: tuple[int, int, float], size: int = 8) -> list[float]:
    """Return the share after each response, of which remaining, own and elapsed are given."""
    share, shares = Share(), []
    for remaining, own, elapsed in replies:
        share.observe(size, remaining, own, elapsed, throttled=False)
        shares.append(share.requests)
    return shares


def test_a_share_follows_its_formula() -> None:
    """A share starts at the used part, and each response moves it by the rate of the others."""
    # Four of eight were used in 5 s by others, of 6 usable ones: a rate of 8 in a window.
    assert observed((2, 2, 5.0)) == pytest.approx([6 * (8 * 2 / 6) / (8 + 8 * 2 / 6) + 0.25])
    # Earlier responses weigh 0.8 of the next: (0.8 * 4 + 1) / (0.8 * 5 + 5) * 10.
    (first, second) = observed((2, 2, 5.0), (5, 2, 5.0))
    assert second == pytest.approx(6 * first / (42 / 9 + first) + 0.25)


def test_what_others_used_before_counts_when_a_share_starts() -> None:
    """The rate of the others includes windows that were not used up."""
    (_, started_at) = observed((5, 1, 5.0), (0, 2, 10.0))
    rate = 10 * (0.8 * 2 + 6) / (0.8 * 5 + 10)
    assert started_at == pytest.approx(6 * 2 / (rate + 2) + 0.25)


@pytest.mark.parametrize(
    ("remaining", "own", "throttled", "is_shared"),
    [
        pytest.param(2, 2, False, True, id="a quarter left"),
        pytest.param(3, 2, False, False, id="more than a quarter left"),
        pytest.param(2, 5, False, True, id="one of others"),
        pytest.param(2, 6, False, False, id="none of others"),
        pytest.param(2, 7, False, False, id="more than all"),
        pytest.param(0, 2, True, False, id="a 429"),
    ],
)
def test_a_share_starts_when_others_use_up_a_window(
    remaining: int, own: int, *, throttled: bool, is_shared: bool
) -> None:
    """A share starts only when others used a part of a window that is almost used up."""
    share = Share()
    share.observe(8, remaining, own, 5.0, throttled=throttled)
    assert (share.spacing > 0) is is_shared


def test_the_smallest_first_share_is_one_request() -> None:
    """A process that used nothing of a window may send at least about one request."""
    assert observed((0, 0, 10.0)) == pytest.approx([6 * 1 / (8 + 1) + 0.25])


@pytest.mark.parametrize(
    ("replies", "is_shared"),
    [
        pytest.param([(2, 5, 10.0)], True, id="one of others in a window"),
        pytest.param([(2, 5, 10.0), (8, 0, 10.0)], True, id="none in the next"),
        pytest.param([(2, 5, 10.0), (8, 0, 10.0), (8, 0, 10.0)], True, id="none in two"),
        pytest.param([(2, 5, 10.0), (8, 0, 10.0), (8, 0, 10.0), (8, 0, 10.0)], False, id="none in three"),
        pytest.param([(2, 5, 10.0), (8, 0, 24.0)], True, id="exactly one in four windows"),
    ],
)
def test_a_share_ends_when_others_are_rare(replies: list[tuple[int, int, float]], *, is_shared: bool) -> None:
    """A share ends when others send less than one request in four windows, by the weighted estimate."""
    assert math.isfinite(observed(*replies)[-1]) is is_shared
