"""The limiter: holds, budgets, and the politeness towards other users of the account."""

from __future__ import annotations

from email.utils import formatdate
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.support.driving import NETWORK, SERVER, THROTTLED, seen
from watcher.core.answers.rate_limits import RateLimits, read_rate_limits
from watcher.core.fleet.limiter import Limiter

if TYPE_CHECKING:
    from watcher.core.answers.replies import Reply

EPOCH = 1_767_600_000


def account(remaining: int, *, ends: int = 10, size: int | None = 40) -> RateLimits:
    """What an answer says of the account's limit; the window ends that many seconds from the answer."""
    headers = {
        "date": formatdate(EPOCH, usegmt=True),
        "x-ratelimit-global-remaining": str(remaining),
        "x-ratelimit-reset": str((EPOCH + ends) * 1000),
    }
    if size is not None:
        headers["x-ratelimit-global-limit"] = str(size)
    return read_rate_limits(headers, float(EPOCH))


def retry_after(seconds: int) -> RateLimits:
    """What an answer with Retry-After says."""
    return read_rate_limits({"retry-after": str(seconds)}, float(EPOCH))


def started(limiter: Limiter, now: float, most: int = 1000) -> int:
    """Starts as many requests as may go at once."""
    count = 0
    while count < most and limiter.ready_at(now) <= now:
        limiter.start(now)
        count += 1
    return count


@pytest.fixture
def limiter() -> Limiter:
    """A limiter with seeded chance."""
    return Limiter(Random(1))


def test_one_request_until_the_first_answer(limiter: Limiter) -> None:
    """Nothing is known of the budget at first, so nothing is risked."""
    assert started(limiter, 0.0) == 1


def test_a_request_that_brings_no_answer_is_not_waited_for_long(limiter: Limiter) -> None:
    """One that hangs lets another one go each two seconds, be it the very first."""
    assert started(limiter, 0.0) == 1
    assert limiter.ready_at(1.0) == 2.0
    assert started(limiter, 2.0) == 1
    assert limiter.ready_at(2.0) == 4.0


def test_the_budget_is_counted_down_and_a_reserve_is_left(limiter: Limiter) -> None:
    """A quarter of the window stays for the account's other users."""
    started(limiter, 0.0)
    limiter.observe(seen("ready"), account(39), 0.0, 0.1)
    assert started(limiter, 0.1) == 29
    assert limiter.ready_at(0.1) > 10.0


def test_answers_out_of_order_keep_the_lowest_rest(limiter: Limiter) -> None:
    """A late answer with a higher rest gives nothing back."""
    started(limiter, 0.0)
    limiter.observe(seen("ready"), account(20), 0.0, 0.1)
    assert started(limiter, 0.1, most=2) == 2
    limiter.observe(seen("ready"), account(12), 0.1, 0.2)
    limiter.observe(seen("ready"), account(19), 0.1, 0.3)
    assert started(limiter, 0.3) == 1


def test_requests_under_way_are_taken_off_the_rest(limiter: Limiter) -> None:
    """The server has not counted them yet when it writes its answer."""
    limiter.start(0.0)
    limiter.start(0.0)
    limiter.start(0.0)
    limiter.observe(seen("ready"), account(13), 0.0, 0.1)
    assert started(limiter, 0.1) == 1


def test_a_new_window_begins_with_one_request(limiter: Limiter) -> None:
    """Others may have used the new window already."""
    started(limiter, 0.0)
    limiter.observe(seen("ready"), account(39), 0.0, 0.1)
    count = started(limiter, 0.1)
    for _ in range(count):
        limiter.observe(seen("ready"), account(10), 0.1, 0.2)
    resumes = limiter.ready_at(0.2)
    assert 10.1 <= resumes <= 11.3
    assert started(limiter, resumes) == 1


def test_sixty_imports_do_not_refuse_themselves() -> None:
    """On forty requests a window, sixty imports that are all due spend no window twice."""
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


def test_a_last_chance_may_use_the_reserve(limiter: Limiter) -> None:
    """The poll at a deadline is worth more than courtesy, but never more than the API's word."""
    started(limiter, 0.0)
    limiter.observe(seen("ready"), account(5), 0.0, 0.1)
    assert limiter.ready_at(0.1) > 10
    assert limiter.ready_at(0.1, last=True) <= 0.1
    limiter.start(0.0)
    limiter.observe(seen("ready"), account(0), 0.1, 0.2)
    assert limiter.ready_at(0.2, last=True) >= 10


def last_chances(limiter: Limiter, now: float) -> int:
    """Starts as many last chances as may go at once."""
    count = 0
    while count < 100 and limiter.ready_at(now, last=True) <= now:
        limiter.start(now)
        count += 1
    return count


def test_last_chances_that_come_together_stay_within_a_window(limiter: Limiter) -> None:
    """One --timeout ends many imports at once, long after the last window that was told."""
    started(limiter, 0.0)
    limiter.observe(seen("ready"), account(39), 0.0, 0.1)
    assert last_chances(limiter, 60.0) == 30


def test_a_busy_window_is_not_taken_for_a_small_one(limiter: Limiter) -> None:
    """Where no header tells the size, others' requests in one window cost no import its last look."""
    for now, left in ((0.0, 39), (20.0, 2)):
        limiter.start(now)
        limiter.observe(seen("ready"), account(left, size=None), now, now + 0.1)
    assert last_chances(limiter, 60.0) == 30


class TestHolds:
    """Stretches in which nothing is asked."""

    def test_a_named_hold_is_never_cut_short(self) -> None:
        """Jitter comes on top of the named moment, for all imports, and reaches a second or a tenth."""
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

    def test_refusals_without_a_moment_back_off(self) -> None:
        """Without a header the wait is half to all of 2 s, 4 s, 8 s, to 60 s."""
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

    def test_a_good_answer_ends_the_row(self, limiter: Limiter) -> None:
        """Backoff begins anew after an answer."""
        for now in (0.0, 10.0, 20.0):
            limiter.start(now)
            limiter.observe(THROTTLED, RateLimits(), now, now)
        limiter.start(now)
        limiter.observe(seen("ready"), RateLimits(), 40.0, 40.0)
        limiter.start(now)
        hold = limiter.observe(THROTTLED, RateLimits(), 41.0, 41.0)
        assert hold is not None
        assert hold.in_a_row == 1

    def test_one_burst_of_refusals_is_one_refusal(self, limiter: Limiter) -> None:
        """Requests that went out together were refused together."""
        for _ in range(20):
            limiter.start(0.0)
        holds = [limiter.observe(THROTTLED, RateLimits(), 0.0, 0.1 + n / 100) for n in range(20)]
        assert {hold.in_a_row for hold in holds if hold is not None} == {1}

    def test_a_shorter_hold_does_not_end_a_longer_one(self, limiter: Limiter) -> None:
        """The latest moment that the API named counts."""
        limiter.start(0.0)
        limiter.start(0.0)
        limiter.observe(THROTTLED, retry_after(30), 0.0, 0.0)
        limiter.observe(SERVER, retry_after(1), 0.0, 0.5)
        assert limiter.ready_at(0.5) >= 30
        assert limiter.ready_at(0.5, last=True) == 30

    def test_a_refusal_slows_a_fleet_down_to_one(self, limiter: Limiter) -> None:
        """After a 429 one request probes before the others follow."""
        limiter.start(0.0)
        limiter.observe(seen("ready"), RateLimits(), 0.0, 0.0)
        limiter.start(0.0)
        hold = limiter.observe(THROTTLED, RateLimits(), 0.0, 0.1)
        assert hold is not None
        assert started(limiter, hold.resume_at) == 1

    def test_an_answer_from_before_a_refusal_opens_nothing(self, limiter: Limiter) -> None:
        """What went out before a refusal says nothing of what holds since."""
        for _ in range(20):
            limiter.start(0.0)
        hold = limiter.observe(THROTTLED, RateLimits(), 0.0, 0.1)
        for _ in range(19):
            limiter.observe(seen("ready"), RateLimits(), 0.0, 0.2)
        assert hold is not None
        assert started(limiter, hold.resume_at) == 1

    def test_a_later_backoff_binds_while_a_hold_is_in_its_jitter(self, limiter: Limiter) -> None:
        """A fresh refusal without a moment lengthens the pause of all."""
        for asked_at in (0.0, 0.0):
            limiter.start(asked_at)
            first = limiter.observe(THROTTLED, RateLimits(), asked_at, 0.1)
        limiter.start(asked_at)
        second = limiter.observe(THROTTLED, RateLimits(), 0.2, 0.3)
        assert first is not None
        assert second is not None
        assert limiter.ready_at(0.3) == max(first.resume_at, second.resume_at)


def test_a_limit_that_is_not_told_does_not_hold_up_a_fleet(limiter: Limiter) -> None:
    """Each answer or fault without a budget doubles how many requests may be under way."""
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
    """Starts all requests that may go, has them answered alike half a second later, and counts them."""
    count = started(limiter, now)
    for _ in range(count):
        limiter.observe(reply, RateLimits(), now, now + 0.5)
    return count


def refused_fleet(limiter: Limiter) -> float:
    """Has 8 requests under way, the first of which is refused, and tells when the next may go."""
    for now in (0.0, 1.0):
        answered(limiter, now, seen("ready"))
    count = started(limiter, 2.0)
    assert count == 8
    hold = limiter.observe(THROTTLED, RateLimits(), 2.0, 2.5)
    assert hold is not None
    for _ in range(count - 1):
        limiter.observe(THROTTLED, RateLimits(), 2.0, 2.6)
    return limiter.ready_at(2.6)


def test_an_untold_limit_is_approached_with_care_once_it_was_met(limiter: Limiter) -> None:
    """From half of what was under way at a refusal, a fleet grows by one a round trip, not by doubling."""
    again = refused_fleet(limiter)
    counts = [answered(limiter, again + n, seen("ready")) for n in range(5)]
    assert counts == [1, 2, 4, 5, 6]


def test_an_outage_after_a_refusal_does_not_hold_up_a_fleet(limiter: Limiter) -> None:
    """Requests without an answer say nothing of a limit, so they open the way as fast as ever."""
    again = refused_fleet(limiter)
    counts = [answered(limiter, again + n, NETWORK) for n in range(4)]
    assert counts == [1, 2, 8, 1000]


def test_a_refused_probe_says_nothing_of_how_much_is_too_much(limiter: Limiter) -> None:
    """One request alone is refused while the limit lasts; afterwards a fleet grows to where it was."""
    again = refused_fleet(limiter)
    for _ in range(3):
        assert answered(limiter, again, THROTTLED) == 1
        again = limiter.ready_at(again + 0.5)
    assert [answered(limiter, again + n, seen("ready")) for n in range(4)] == [1, 2, 4, 5]


def test_a_limit_that_is_told_does_not_excuse_another_that_is_not(limiter: Limiter) -> None:
    """The account has plenty left, but something else refuses: the fleet stays careful."""
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


def test_a_told_limit_that_is_exhausted_makes_nobody_careful(limiter: Limiter) -> None:
    """A refusal that the headers explain is over with its window, and the next one is used as a whole."""
    started(limiter, 0.0)
    limiter.observe(THROTTLED, account(0), 0.0, 0.1)
    again = limiter.ready_at(0.1)
    assert started(limiter, again) == 1
    limiter.observe(seen("ready"), account(39, ends=30), again, again + 0.1)
    assert started(limiter, again + 0.1) == 29


@pytest.mark.parametrize("reply", [THROTTLED, seen("ready")], ids=["a refusal", "a new window"])
def test_a_request_that_hangs_holds_nobody_up(limiter: Limiter, reply: Reply) -> None:
    """What went out before requests go singly again leaves room for one, though it never comes back."""
    started(limiter, 0.0)
    limiter.observe(seen("ready"), account(39), 0.0, 0.1)
    limiter.start(0.0)
    limiter.start(0.0)
    limiter.observe(reply, account(0) if reply is THROTTLED else account(5), 0.2, 0.3)
    again = limiter.ready_at(0.3) if reply is THROTTLED else 12.0
    assert started(limiter, again) == 1
