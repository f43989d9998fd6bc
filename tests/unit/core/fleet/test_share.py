"""Tests of the fair share of a rate limit."""

from __future__ import annotations

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
