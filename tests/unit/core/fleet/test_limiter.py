"""Tests of the rate limiter: holds, windows and concurrency."""

from __future__ import annotations

from email.utils import formatdate
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.support.driving import NETWORK, SERVER, THROTTLED, seen
from tests.support.fleets import Edge
from watcher.core.answers.rate_limits import Budget, Hold, Limit, RateLimits, read_rate_limits
from watcher.core.fleet.limiter import Limiter

if TYPE_CHECKING:
    from watcher.core.answers.replies import Reply

EPOCH = 1_767_600_000
NO_LIMITS = RateLimits()


def account(remaining: int, *, ends: int = 10, size: int | None = 40) -> RateLimits:
    """Return the account's limit in a response; the window ends that many seconds later."""
    headers = {
        "date": formatdate(EPOCH, usegmt=True),
        "x-ratelimit-global-remaining": str(remaining),
        "x-ratelimit-reset": str((EPOCH + ends) * 1000),
    }
    if size is not None:
        headers["x-ratelimit-global-limit"] = str(size)
    return read_rate_limits(headers, float(EPOCH))


def retry_after(seconds: int) -> RateLimits:
    """Return the limits of a response with Retry-After."""
    return read_rate_limits({"retry-after": str(seconds)}, float(EPOCH))


def started(limiter: Limiter, now: float, most: int = 1000) -> int:
    """Start all requests that are allowed now, and count them."""
    count = 0
    while count < most and limiter.ready_at(now) <= now:
        limiter.start(now)
        count += 1
    return count


@pytest.fixture
def limiter() -> Limiter:
    """Return a limiter with a seed."""
    return Limiter(Random(1))


def test_one_request_until_the_first_answer(limiter: Limiter) -> None:
    """Before the first response only one request is sent."""
    assert started(limiter, 0.0) == 1


def test_a_request_without_a_response_does_not_block_for_long(limiter: Limiter) -> None:
    """While a request gets no response, another one is sent every two seconds."""
    assert started(limiter, 0.0) == 1
    assert limiter.ready_at(1.0) == 2.0
    assert started(limiter, 2.0) == 1
    assert limiter.ready_at(2.0) == 4.0


def test_the_budget_is_counted_down_and_a_reserve_is_left(limiter: Limiter) -> None:
    """A quarter of a window is reserved for the account's other users."""
    started(limiter, 0.0)
    limiter.observe(seen("ready"), account(39), 0.0, 0.1)
    assert started(limiter, 0.1) == 29
    assert limiter.ready_at(0.1) > 10.0


def test_responses_out_of_order_keep_the_lowest_count(limiter: Limiter) -> None:
    """A late response with more requests left does not raise the count."""
    started(limiter, 0.0)
    limiter.observe(seen("ready"), account(20), 0.0, 0.1)
    assert started(limiter, 0.1, most=2) == 2
    limiter.observe(seen("ready"), account(12), 0.1, 0.2)
    limiter.observe(seen("ready"), account(19), 0.1, 0.3)
    assert started(limiter, 0.3) == 1


def test_requests_in_flight_are_subtracted(limiter: Limiter) -> None:
    """Requests in flight are subtracted from what the response says."""
    limiter.start(0.0)
    limiter.start(0.0)
    limiter.start(0.0)
    limiter.observe(seen("ready"), account(13), 0.0, 0.1)
    assert started(limiter, 0.1) == 1


def test_a_new_window_begins_with_one_request(limiter: Limiter) -> None:
    """A new window starts with one request."""
    started(limiter, 0.0)
    limiter.observe(seen("ready"), account(39), 0.0, 0.1)
    count = started(limiter, 0.1)
    for _ in range(count):
        limiter.observe(seen("ready"), account(10), 0.1, 0.2)
    resumes = limiter.ready_at(0.2)
    assert 10.1 <= resumes <= 11.3
    assert started(limiter, resumes) == 1


def test_sixty_imports_stay_within_the_limit() -> None:
    """Sixty imports never exceed a limit of forty requests in a window."""
    for seed in range(50):
        limiter = Limiter(Random(seed))
        random = Random(seed)
        spent: dict[int, int] = {}
        under_way: list[float] = []
        now, served = 0.0, 0
        while served < 180:
            while limiter.ready_at(now) <= now:
                limiter.start(now)
                under_way.append(now + random.uniform(0.01, 0.4))
            if not under_way:
                now = max(now, limiter.ready_at(now))
                continue
            under_way.sort()
            now = max(now, under_way.pop(0))
            window = int(now // 10)
            spent[window] = spent.get(window, 0) + 1
            assert spent[window] <= 40, (seed, now)
            ends = (window + 1) * 10
            limits = read_rate_limits(
                {
                    "date": formatdate(EPOCH + int(now), usegmt=True),
                    "x-ratelimit-global-limit": "40",
                    "x-ratelimit-global-remaining": str(40 - spent[window]),
                    "x-ratelimit-reset": str((EPOCH + ends) * 1000),
                },
                0.0,
            )
            limiter.observe(seen("ready"), limits, now, now)
            served += 1


def test_a_last_poll_may_use_the_reserve(limiter: Limiter) -> None:
    """A last poll may use the reserve, but not an exhausted window."""
    started(limiter, 0.0)
    limiter.observe(seen("ready"), account(5), 0.0, 0.1)
    assert limiter.ready_at(0.1) > 10
    assert limiter.ready_at(0.1, last=True) <= 0.1
    limiter.start(0.0)
    limiter.observe(seen("ready"), account(0), 0.1, 0.2)
    assert limiter.ready_at(0.2, last=True) >= 10


def last_polls(limiter: Limiter, now: float) -> int:
    """Start all last polls that are allowed now, and count them."""
    count = 0
    while count < 100 and limiter.ready_at(now, last=True) <= now:
        limiter.start(now)
        count += 1
    return count


def test_simultaneous_last_polls_stay_within_a_window(limiter: Limiter) -> None:
    """Last polls at the same time stay within the size of the last known window."""
    started(limiter, 0.0)
    limiter.observe(seen("ready"), account(39), 0.0, 0.1)
    assert last_polls(limiter, 60.0) == 30


def test_a_busy_window_is_not_a_small_one(limiter: Limiter) -> None:
    """Without a given size, a busy window does not lower the estimate."""
    for now, left in ((0.0, 39), (20.0, 2)):
        limiter.start(now)
        limiter.observe(seen("ready"), account(left, size=None), now, now + 0.1)
    assert last_polls(limiter, 60.0) == 30


class TestHolds:
    """Holds."""

    def test_a_named_hold_is_never_cut_short(self) -> None:
        """Jitter of up to a second or a tenth follows the named time."""
        waits = []
        for seed in range(200):
            limiter = Limiter(Random(seed))
            limiter.start(0.0)
            hold = limiter.observe(THROTTLED, retry_after(30), 0.0, 1.0)
            assert hold is not None
            assert hold.until == 31.0
            assert limiter.ready_at(1.0) == hold.resume_at
            waits.append(hold.resume_at)
        assert min(waits) >= 31.0
        assert 33.5 < max(waits) <= 34.0

    def test_throttles_without_a_named_time_back_off(self) -> None:
        """Without a named time, waits are half to all of 2 s, 4 s, 8 s, up to 60 s."""
        limiter = Limiter(Random(1))
        now = 0.0
        for n in range(1, 10):
            limiter.start(now)
            hold = limiter.observe(THROTTLED, RateLimits(), now, now)
            assert hold is not None
            ceiling = min(60, 2 * 2 ** (n - 1))
            assert ceiling / 2 <= hold.resume_at - now <= ceiling
            assert (hold.named, hold.in_a_row) == (False, n)
            now = hold.resume_at

    def test_a_usable_answer_resets_the_backoff(self, limiter: Limiter) -> None:
        """A usable answer resets the backoff."""
        for now in (0.0, 10.0, 20.0):
            limiter.start(now)
            limiter.observe(THROTTLED, RateLimits(), now, now)
        limiter.start(now)
        limiter.observe(seen("ready"), RateLimits(), 40.0, 40.0)
        limiter.start(now)
        hold = limiter.observe(THROTTLED, RateLimits(), 41.0, 41.0)
        assert hold is not None
        assert hold.in_a_row == 1

    def test_a_burst_of_throttles_counts_once(self, limiter: Limiter) -> None:
        """The 429s of requests that were in flight together count once."""
        for _ in range(20):
            limiter.start(0.0)
        holds = [limiter.observe(THROTTLED, RateLimits(), 0.0, 0.1 + n / 100) for n in range(20)]
        assert {hold.in_a_row for hold in holds if hold is not None} == {1}

    def test_a_shorter_hold_does_not_end_a_longer_one(self, limiter: Limiter) -> None:
        """The latest named time counts."""
        limiter.start(0.0)
        limiter.start(0.0)
        limiter.observe(THROTTLED, retry_after(30), 0.0, 0.0)
        limiter.observe(SERVER, retry_after(1), 0.0, 0.5)
        assert limiter.ready_at(0.5) >= 30
        assert limiter.ready_at(0.5, last=True) == 30

    def test_a_throttle_restarts_the_concurrency(self, limiter: Limiter) -> None:
        """After a 429 a single request is sent first."""
        limiter.start(0.0)
        limiter.observe(seen("ready"), RateLimits(), 0.0, 0.0)
        limiter.start(0.0)
        hold = limiter.observe(THROTTLED, RateLimits(), 0.0, 0.1)
        assert hold is not None
        assert started(limiter, hold.resume_at) == 1

    def test_a_response_to_an_earlier_request_allows_nothing(self, limiter: Limiter) -> None:
        """Responses to requests from before a 429 do not raise the concurrency."""
        for _ in range(20):
            limiter.start(0.0)
        hold = limiter.observe(THROTTLED, RateLimits(), 0.0, 0.1)
        for _ in range(19):
            limiter.observe(seen("ready"), RateLimits(), 0.0, 0.2)
        assert hold is not None
        assert started(limiter, hold.resume_at) == 1

    def test_a_later_backoff_extends_a_hold_in_its_jitter(self, limiter: Limiter) -> None:
        """A later backoff extends a hold that is in its jitter."""
        for asked_at in (0.0, 0.0):
            limiter.start(asked_at)
            first = limiter.observe(THROTTLED, RateLimits(), asked_at, 0.1)
        limiter.start(asked_at)
        second = limiter.observe(THROTTLED, RateLimits(), 0.2, 0.3)
        assert first is not None
        assert second is not None
        assert limiter.ready_at(0.3) == max(first.resume_at, second.resume_at)


def test_an_unknown_limit_does_not_delay_many_imports(limiter: Limiter) -> None:
    """Each reply without limits doubles the concurrency."""
    counts = []
    for n in range(6):
        count = started(limiter, float(n))
        counts.append(count)
        for _ in range(count):
            limiter.observe(NETWORK if n % 2 else seen("ready"), RateLimits(), float(n), n + 0.5)
    assert counts[0] == 1
    assert counts == sorted(counts)
    assert counts[-1] > 50


def answered(limiter: Limiter, now: float, reply: Reply) -> int:
    """Start all allowed requests, reply to them half a second later, and count them."""
    count = started(limiter, now)
    for _ in range(count):
        limiter.observe(reply, RateLimits(), now, now + 0.5)
    return count


def throttled_fleet(limiter: Limiter) -> float:
    """Send 8 requests, reject the first one, and return when the next is allowed."""
    for now in (0.0, 1.0):
        answered(limiter, now, seen("ready"))
    count = started(limiter, 2.0)
    assert count == 8
    hold = limiter.observe(THROTTLED, RateLimits(), 2.0, 2.5)
    assert hold is not None
    for _ in range(count - 1):
        limiter.observe(THROTTLED, RateLimits(), 2.0, 2.6)
    return limiter.ready_at(2.6)


def test_after_a_throttle_the_concurrency_grows_slowly(limiter: Limiter) -> None:
    """Above half of the requests in flight at a 429, the concurrency grows by one per round trip."""
    again = throttled_fleet(limiter)
    counts = [answered(limiter, again + n, seen("ready")) for n in range(5)]
    assert counts == [1, 2, 4, 5, 6]


def test_an_outage_after_a_throttle_does_not_delay_many_imports(limiter: Limiter) -> None:
    """Faults say nothing about limits, so the concurrency doubles."""
    again = throttled_fleet(limiter)
    counts = [answered(limiter, again + n, NETWORK) for n in range(4)]
    assert counts == [1, 2, 8, 1000]


def test_a_throttled_single_request_keeps_the_threshold(limiter: Limiter) -> None:
    """A rejected single request does not lower the threshold."""
    again = throttled_fleet(limiter)
    for _ in range(3):
        assert answered(limiter, again, THROTTLED) == 1
        again = limiter.ready_at(again + 0.5)
    assert [answered(limiter, again + n, seen("ready")) for n in range(4)] == [1, 2, 4, 5]


def test_a_known_limit_does_not_replace_an_unknown_one(limiter: Limiter) -> None:
    """A known limit with requests left does not disable the threshold of an unknown one."""
    started(limiter, 0.0)
    limiter.observe(seen("ready"), account(1000, size=1000), 0.0, 0.1)
    for _ in range(8):
        limiter.start(0.0)
    limiter.observe(THROTTLED, account(999, size=1000), 0.2, 0.3)
    for _ in range(7):
        limiter.observe(THROTTLED, account(999, size=1000), 0.2, 0.3)
    again = limiter.ready_at(0.3)
    counts = []
    for n in range(4):
        counts.append(started(limiter, again + n))
        for _ in range(counts[-1]):
            limiter.observe(seen("ready"), account(990, size=1000), again + n, again + n + 0.5)
    assert counts == [1, 2, 4, 5]


def test_an_exhausted_known_limit_sets_no_threshold(limiter: Limiter) -> None:
    """A 429 of an exhausted known window sets no threshold."""
    started(limiter, 0.0)
    limiter.observe(THROTTLED, account(0), 0.0, 0.1)
    again = limiter.ready_at(0.1)
    assert started(limiter, again) == 1
    limiter.observe(seen("ready"), account(39, ends=30), again, again + 0.1)
    assert started(limiter, again + 0.1) == 29


@pytest.mark.parametrize("reply", [THROTTLED, seen("ready")], ids=["a refusal", "a new window"])
def test_a_hanging_request_blocks_nothing(limiter: Limiter, reply: Reply) -> None:
    """Requests from before a restart of the concurrency do not block the next one."""
    started(limiter, 0.0)
    limiter.observe(seen("ready"), account(39), 0.0, 0.1)
    limiter.start(0.0)
    limiter.start(0.0)
    limiter.observe(reply, account(0) if reply is THROTTLED else account(5), 0.2, 0.3)
    again = limiter.ready_at(0.3) if reply is THROTTLED else 12.0
    assert started(limiter, again) == 1


def named(until: float, jitter: float = 1.0, *, binds_until: float | None = None) -> Hold:
    """Return a hold until a time that the API named."""
    return Hold(until, until + jitter, named=True, binds_until=binds_until)


def backoff(at: float, until: float, in_a_row: int = 1) -> Hold:
    """Return a hold of a 429 that named no time."""
    return Hold(at, until, named=False, in_a_row=in_a_row)


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        pytest.param(named(30), named(40), named(40, binds_until=40.0), id="a later time"),
        pytest.param(named(40), named(30), Hold(40, 41, named=True, binds_until=40.0), id="an earlier time"),
        pytest.param(
            named(30, 9.0), named(33), Hold(33, 39, named=True, binds_until=33.0), id="a time in the jitter"
        ),
        pytest.param(
            named(30),
            named(31),
            Hold(31, 31, named=True, binds_until=31.0),
            id="a time at the end of the jitter",
        ),
        pytest.param(
            named(30),
            backoff(20, 25),
            Hold(30, 31, named=True, in_a_row=1, binds_until=30.0),
            id="a shorter backoff beside a named time",
        ),
        pytest.param(
            named(30),
            backoff(20, 60),
            Hold(30, 60, named=True, in_a_row=1, binds_until=30.0),
            id="a longer backoff beside a named time",
        ),
        pytest.param(
            backoff(20, 60, 3),
            named(30),
            Hold(30, 60, named=True, in_a_row=3, binds_until=30.0),
            id="a named time within a backoff",
        ),
        pytest.param(
            backoff(20, 60, 3),
            backoff(50, 90, 4),
            Hold(50, 90, named=False, in_a_row=4, binds_until=50.0),
            id="a later backoff",
        ),
        pytest.param(
            backoff(20, 60, 3),
            backoff(50, 55, 1),
            Hold(50, 60, named=False, in_a_row=3, binds_until=50.0),
            id="a shorter backoff",
        ),
        pytest.param(
            named(30), named(60, binds_until=5.0), named(60, binds_until=30.0), id="a fault after a 429"
        ),
        pytest.param(
            named(60, binds_until=5.0),
            named(30),
            Hold(60, 61, named=True, binds_until=30.0),
            id="a 429 after a fault",
        ),
    ],
)
def test_a_hold_beside_another_cuts_neither_short(
    limiter: Limiter, first: Hold, second: Hold, both: Hold
) -> None:
    """The later time that the API named counts, and so does the longer backoff, for last polls as well."""
    limiter.apply(first)
    assert limiter.hold == first
    limiter.apply(second)
    assert limiter.hold == both
    assert (limiter.ready_at(0.0), limiter.ready_at(0.0, last=True)) == (both.resume_at, both.last_poll_at)


def observed(
    reply: Reply, limits: RateLimits = NO_LIMITS, *, at: float = 100.0, limiter: Limiter | None = None
) -> tuple[Limiter, Hold | None]:
    """Return a limiter without jitter that sent a request and got a reply at once, and the hold."""
    limiter = limiter or Limiter(Edge())
    limiter.start(at)
    return limiter, limiter.observe(reply, limits, at, at)


@pytest.mark.parametrize(
    ("reply", "limits", "hold"),
    [
        pytest.param(seen("ready"), NO_LIMITS, None, id="no time"),
        pytest.param(seen("ready"), retry_after(30), Hold(130, 130, named=True), id="a 200 with a time"),
        pytest.param(SERVER, retry_after(30), Hold(130, 130, named=True, binds_until=100.0), id="a fault"),
        pytest.param(THROTTLED, retry_after(30), Hold(130, 130, named=True, in_a_row=1), id="a 429"),
        pytest.param(
            THROTTLED, NO_LIMITS, Hold(100, 101, named=False, in_a_row=1), id="a 429 without a time"
        ),
    ],
)
def test_the_hold_of_a_reply(reply: Reply, limits: RateLimits, hold: Hold | None) -> None:
    """A named time is a hold, whatever the reply; the time of a fault does not bind a last poll."""
    limiter, caused = observed(reply, limits)
    assert caused == limiter.hold == hold


def test_a_late_429_counts_as_one() -> None:
    """A 429 for a request from before the last one is not counted again, but is a hold."""
    limiter = Limiter(Edge())
    limiter.start(0.0)
    observed(THROTTLED, at=10.0, limiter=limiter)
    assert limiter.observe(THROTTLED, NO_LIMITS, 0.0, 11.0) == Hold(11.0, 12.0, named=False, in_a_row=1)
    limiter.start(11.5)
    observed(seen("ready"), at=20.0, limiter=limiter)
    assert limiter.observe(THROTTLED, NO_LIMITS, 9.9, 21.0) == Hold(21.0, 22.0, named=False, in_a_row=1)


def test_a_request_of_the_moment_of_a_429_counts() -> None:
    """Only requests from before the last 429 say nothing about the limits since."""
    limiter, _ = observed(THROTTLED, at=10.0)
    assert observed(THROTTLED, at=10.0, limiter=limiter)[1] == Hold(10.0, 12.0, named=False, in_a_row=2)


@pytest.mark.parametrize(("ends", "resume_at"), [(10.0, 31.0), (60.5, 64.5)])
def test_a_429_without_headers_is_repeated_in_the_next_window(ends: float, resume_at: float) -> None:
    """Where others use up a limit, the next request waits for a new window, with jitter like a named time."""
    limiter = Limiter(Edge(most=True))
    budget = Budget(Limit.ROUTE, 5, 0, 1, ends - 8.0)
    observed(seen("ready"), RateLimits(budgets=(budget,)), at=8.0, limiter=limiter)
    hold = observed(THROTTLED, at=20.5, limiter=limiter)[1]
    assert hold == Hold(20.5, resume_at, named=False, in_a_row=1)


def test_a_fault_between_two_429s_does_not_end_the_backoff() -> None:
    """Only a response of the API shows that it accepts requests again."""
    limiter, _ = observed(THROTTLED, at=0.0)
    observed(NETWORK, at=10.0, limiter=limiter)
    assert observed(THROTTLED, at=20.0, limiter=limiter)[1] == Hold(20.0, 22.0, named=False, in_a_row=2)
    observed(seen("ready"), at=30.0, limiter=limiter)
    assert observed(THROTTLED, at=40.0, limiter=limiter)[1] == Hold(40.0, 41.0, named=False, in_a_row=1)


@pytest.mark.parametrize(("remaining", "is_slow"), [(-1, False), (0, False), (1, True)])
def test_a_429_with_requests_left_is_of_an_undisclosed_limit(remaining: int, *, is_slow: bool) -> None:
    """If the known windows do not explain a 429, the concurrency grows slowly, whatever they say later."""
    limiter = Limiter(Edge())
    for _ in range(8):
        limiter.start(0.0)
    exhausted, new = Budget(Limit.ACCOUNT, 40, remaining, 1, 1.0), Budget(Limit.ACCOUNT, 40, 39, 2, 9.0)
    limiter.observe(THROTTLED, RateLimits(budgets=(exhausted,)), 0.0, 0.0)
    observed(seen("ready"), RateLimits(budgets=(new,)), at=2.0, limiter=limiter)
    assert started(limiter, 2.0) == (2 if is_slow else 22)


class TestLastPolls:
    """Polls of imports at their deadline."""

    def test_in_an_open_window_only_its_requests_limit_them(self) -> None:
        """While a window is known, last polls of one moment are sent at once, up to all that is left."""
        limiter = Limiter(Edge())
        limiter.start(0.0)
        limiter.observe(seen("ready"), account(12), 0.0, 0.0)
        assert last_polls(limiter, 9.9) == 12

    def test_after_a_429_the_concurrency_limits_them(self) -> None:
        """After a 429 last polls are sent one at a time, until a response raises the limit."""
        limiter = Limiter(Edge())
        limiter.start(0.0)
        limiter.observe(seen("ready"), account(39), 0.0, 0.0)
        observed(THROTTLED, at=20.0, limiter=limiter)
        assert last_polls(limiter, 30.0) == 1
        limiter.cancel(30.0)
        observed(seen("ready"), at=40.0, limiter=limiter)
        assert last_polls(limiter, 50.0) == 30

    def test_without_any_known_limit_nothing_limits_them(self) -> None:
        """Last polls of one moment are all sent if no response named a limit."""
        limiter, _ = observed(seen("ready"))
        assert last_polls(limiter, 200.0) == 100


def test_a_request_is_sent_two_seconds_after_the_last_one() -> None:
    """The two seconds count from the last request that was sent, and end with a reply."""
    limiter = Limiter(Edge())
    limiter.start(5.0)
    assert limiter.ready_at(5.0) == 7.0
    limiter.start(7.0)
    assert limiter.ready_at(7.5) == 9.0
    limiter.cancel(5.0)
    limiter.cancel(7.0)
    assert limiter.ready_at(7.5) <= 7.5


def test_a_cancelled_request_allows_no_more_than_before() -> None:
    """A request that was cancelled does not count as a response, so the concurrency stays."""
    limiter = Limiter(Edge())
    limiter.start(0.0)
    limiter.cancel(0.0)
    assert started(limiter, 1.0) == 1
