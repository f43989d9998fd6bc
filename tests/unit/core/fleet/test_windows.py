"""Tests of the windows: what they have left, when they end, and how requests are paced."""

from __future__ import annotations

import math

import pytest

from tests.support.fleets import Edge
from watcher.core.answers.rate_limits import Budget, Limit
from watcher.core.fleet.share import Share
from watcher.core.fleet.windows import Windows

ACCOUNT, ROUTE, ACCESS_TOKEN = Limit


def budget(
    remaining: int,
    *,
    limit: Limit = ACCOUNT,
    size: int | None = 40,
    window: int | None = 7,
    resets_in: float | None = 10.0,
) -> Budget:
    """Return the budget of one limit in a response."""
    return Budget(limit, size, remaining, window, resets_in)


def observed(
    *budgets: Budget,
    windows: Windows | None = None,
    in_flight: int = 0,
    now: float = 100.0,
    throttled: bool = False,
) -> Windows:
    """Return windows that got a response with budgets, without jitter, unless they exist."""
    windows = windows or Windows(Edge())
    windows.observe(budgets, in_flight, now, now, throttled=throttled)
    return windows


def refused(*budgets: Budget, windows: Windows | None = None, in_flight: int = 0) -> Windows:
    """Do the same with a 429, which causes no pacing."""
    return observed(*budgets, windows=windows, in_flight=in_flight, throttled=True)


@pytest.mark.parametrize(
    ("remaining", "in_flight", "usually", "at_last"),
    [
        pytest.param(11, 0, -math.inf, -math.inf, id="above the reserve"),
        pytest.param(10, 0, 110.0, -math.inf, id="at the reserve"),
        pytest.param(13, 3, 110.0, -math.inf, id="at the reserve, with those in flight"),
        pytest.param(1, 0, 110.0, -math.inf, id="one left"),
        pytest.param(0, 0, 110.0, 110.0, id="none left"),
        pytest.param(2, 3, 110.0, 110.0, id="less than are in flight"),
    ],
)
def test_a_quarter_of_a_window_is_for_last_polls(
    remaining: int, in_flight: int, usually: float, at_last: float
) -> None:
    """Requests wait for the next window when the reserve is reached, last polls only when nothing is left."""
    windows = refused(budget(remaining), in_flight=in_flight)
    assert (windows.allowed_at(last=False), windows.allowed_at(last=True)) == (usually, at_last)


def test_each_request_is_counted_in_all_windows() -> None:
    """The window that is used up first decides."""
    windows = observed(
        budget(32, resets_in=8.0), budget(13, limit=ROUTE, resets_in=9.0), budget(12, limit=ACCESS_TOKEN)
    )
    allowed = []
    for _ in range(3):
        allowed.append(windows.allowed_at(last=False))
        windows.start()
    assert allowed == [-math.inf, -math.inf, 110.0]
    for _ in range(9):
        assert windows.allowed_at(last=True) == -math.inf
        windows.start()
    assert windows.allowed_at(last=True) == 110.0
    for _ in range(20):
        windows.start()
    assert windows.allowed_at(last=True) == 110.0


@pytest.mark.parametrize(
    ("resets_in", "ends", "resumes"),
    [(10.0, 110.0, 111.0), (5.0, 105.0, 106.0), (30.0, 130.0, 133.0), (None, 110.0, 111.0)],
)
def test_requests_resume_with_jitter_after_the_end_of_a_window(
    resets_in: float | None, ends: float, resumes: float
) -> None:
    """The jitter is a tenth of the time until then, at least a second; a last poll has none."""
    windows = refused(budget(0, resets_in=resets_in), windows=Windows(Edge(most=True)))
    assert (windows.allowed_at(last=True), windows.allowed_at(last=False)) == (ends, resumes)
    assert windows.is_open(ends - 0.01)
    assert not windows.is_open(ends)
    assert not windows.close_expired(resumes - 0.01)
    assert windows.allowed_at(last=True) == ends
    assert windows.close_expired(resumes)
    assert windows.allowed_at(last=False) == -math.inf
    assert not windows.close_expired(1e9)


def test_windows_end_one_by_one() -> None:
    """A window that ends changes nothing about the others."""
    windows = refused(
        budget(0, resets_in=4.0), budget(0, limit=ROUTE, resets_in=8.0), budget(0, limit=ACCESS_TOKEN)
    )
    assert windows.close_expired(104.0)
    assert not windows.close_expired(107.9)
    assert windows.allowed_at(last=False) == 110.0
    assert windows.close_expired(109.0)
    assert windows.is_open(109.0)
    assert windows.close_expired(110.0)
    assert not windows.is_open(109.0)


@pytest.mark.parametrize(
    ("first", "second", "is_new"),
    [
        (7, 8, True),
        (7, 7, False),
        (8, 7, False),
        (7, None, True),
        (None, 7, True),
        (None, None, False),
    ],
)
def test_a_window_is_new_if_its_end_is_later_or_unknown(
    first: int | None, second: int | None, *, is_new: bool
) -> None:
    """A response about another window replaces the known one, unless it is older."""
    windows = refused(budget(5, window=first))
    refused(budget(30, window=second), windows=windows)
    assert windows.allowed_at(last=False) == (-math.inf if is_new else 110.0)


def test_the_lowest_count_of_a_window_is_kept() -> None:
    """Responses can arrive in another order than they were sent, and an older window says nothing."""
    windows = observed(budget(30))
    for remaining, in_flight, window in ((13, 2, 7), (29, 0, 7), (0, 0, 6)):
        observed(budget(remaining, window=window), windows=windows, in_flight=in_flight)
    assert windows.allowed_at(last=False) == -math.inf
    windows.start()
    assert windows.allowed_at(last=False) == 110.0


def test_an_old_window_says_nothing_about_other_limits() -> None:
    """Each limit in a response is judged by its own window."""
    windows = refused(budget(30), budget(30, limit=ROUTE))
    refused(budget(0, window=6), budget(10, limit=ROUTE), windows=windows)
    assert (windows.allowed_at(last=False), windows.allowed_at(last=True)) == (110.0, -math.inf)


@pytest.mark.parametrize(
    ("budgets", "usable"),
    [
        ([], math.inf),
        ([budget(40)], 30),
        ([budget(5, size=5)], 4),
        ([budget(3, size=3)], 3),
        ([budget(0, size=0)], 1),
        ([budget(12, size=None)], 9),
        ([budget(12, size=None, window=6), budget(20, size=None), budget(3, size=None, window=8)], 15),
        ([budget(0), budget(0, limit=ROUTE, size=8)], 6),
        ([budget(0, limit=ROUTE, size=8), budget(0)], 6),
    ],
)
def test_a_new_window_has_room_for_all_but_the_reserve(budgets: list[Budget], usable: float) -> None:
    """The smallest of the latest sizes counts; without a size, the most that any window had left does."""
    assert observed(*budgets).usable_requests() == usable


class TestPace:
    """Pacing while others use a limit too."""

    @pytest.mark.parametrize(
        ("resets_in", "elapsed"), [(0.2, 10.0), (3.0, 7.5), (9.4, 1.1), (9.8, 1.0), (10.0, 1.0), (60.0, 1.0)]
    )
    def test_the_share_is_told_how_old_the_window_is(self, resets_in: float, elapsed: float) -> None:
        """The age of a window is between one and ten seconds, half a second more than the header says."""
        share = Share()
        share.observe(40, 0, 1, elapsed, throttled=False)
        windows = observed(budget(0, resets_in=resets_in))
        windows.close_expired(1000.0)
        assert windows.allowed_at(last=False) == pytest.approx(100.0 + 0.9 * share.spacing)
        assert windows.allowed_at(last=True) == -math.inf

    @pytest.mark.parametrize(
        ("in_flight", "earlier", "own"),
        [
            pytest.param(0, [], 1, id="this request"),
            pytest.param(3, [], 4, id="requests in flight"),
            pytest.param(0, [False, False], 3, id="requests whose replies named no window"),
            pytest.param(0, [True, False, True], 2, id="rejected ones use nothing"),
        ],
    )
    def test_the_own_part_of_a_window(self, in_flight: int, earlier: list[bool], own: int) -> None:
        """Every request that may have used the window counts as the process's own."""
        share = Share()
        share.observe(40, 0, own, 5.5, throttled=False)
        windows = Windows(Edge())
        for throttled in earlier:
            observed(windows=windows, throttled=throttled)
        observed(budget(0, resets_in=5.0), windows=windows, in_flight=in_flight)
        windows.pace(200.0)
        assert windows.allowed_at(last=False) == pytest.approx(200.0 + 0.9 * share.spacing)

    def test_requests_within_a_window_count_as_own(self) -> None:
        """Requests sent in a window are the process's own, except for rejected ones."""
        share = Share()
        share.observe(40, 30, 1, 1.0, throttled=False)
        share.observe(40, 10, 4, 3.5, throttled=True)
        share.observe(40, 0, 4, 5.5, throttled=False)
        windows = observed(budget(30))
        for _ in range(4):
            windows.start()
        observed(budget(10, resets_in=7.0), windows=windows, throttled=True)
        observed(budget(0, resets_in=5.0), windows=windows)
        windows.pace(200.0)
        assert windows.allowed_at(last=False) == pytest.approx(200.0 + 0.9 * share.spacing)

    def test_a_reply_without_windows_counts_only_for_the_next_named_one(self) -> None:
        """After a response named a window, what came before it is no longer counted."""
        share = Share()
        share.observe(40, 0, 1, 1.0, throttled=False)
        windows = observed()
        observed(budget(40, window=6), windows=windows, now=50.0)
        windows.close_expired(99.0)
        observed(budget(0), windows=windows)
        windows.pace(200.0)
        spacing = (windows.allowed_at(last=False) - 200.0) / 0.9
        alone = Share()
        alone.observe(40, 40, 2, 1.0, throttled=False)
        alone.observe(40, 0, 1, 1.0, throttled=False)
        assert spacing == pytest.approx(alone.spacing)

    def test_a_window_without_a_plausible_end_says_nothing_about_others(self) -> None:
        """The rate of the others is unknown without the age of the window."""
        windows = observed(budget(0, resets_in=None))
        windows.close_expired(1000.0)
        assert windows.allowed_at(last=False) == -math.inf
        assert windows.next_window(123.0) == 123.0

    def test_the_largest_spacing_decides(self) -> None:
        """Of several shared limits, the one with the smallest share paces the requests."""
        small, large = (observed(budget(0, size=size)) for size in (8, 40))
        both = observed(budget(0, size=40), budget(0, limit=ROUTE, size=8))
        same = observed(budget(0, size=8), budget(0, limit=ROUTE, size=40))
        times = []
        for windows in (small, large, both, same):
            windows.close_expired(1000.0)
            times.append(windows.allowed_at(last=False))
        assert times[0] < times[1] == times[2] == times[3]

    def test_each_request_sets_the_time_of_the_next(self) -> None:
        """The pace counts from the last request, and a reply counts again only if no other is in flight."""
        windows = observed(budget(0), now=100.0)
        windows.close_expired(1000.0)
        spacing = windows.allowed_at(last=False) - 100.0
        windows.pace(300.0)
        assert windows.allowed_at(last=False) == pytest.approx(300.0 + spacing)
        observed(windows=windows, in_flight=1, now=400.0)
        assert windows.allowed_at(last=False) == pytest.approx(300.0 + spacing)
        observed(windows=windows, now=400.0)
        assert windows.allowed_at(last=False) == pytest.approx(400.0 + spacing)
        observed(windows=windows, now=500.0, throttled=True)
        assert windows.allowed_at(last=False) == -math.inf

    def test_the_pace_ends_with_the_share(self) -> None:
        """When the others have ended, requests are not paced any more."""
        windows = observed(budget(0))
        for number in range(1, 40):
            observed(budget(40, window=7 + number, resets_in=0.5), windows=windows, now=100.0 + 10 * number)
        windows.pace(900.0)
        assert windows.allowed_at(last=False) == -math.inf

    @pytest.mark.parametrize(
        ("now", "begins"),
        [(90.0, 110.0), (110.0, 110.0), (110.1, 120.0), (120.0, 120.0), (137.0, 140.0)],
    )
    def test_the_next_window_of_a_shared_limit(self, now: float, begins: float) -> None:
        """Windows follow each other every ten seconds, also after the last one that a response named."""
        assert observed(budget(0)).next_window(now) == begins

    def test_without_others_the_next_window_is_now(self) -> None:
        """A window that only this process uses says nothing about a 429 without headers."""
        assert observed(budget(39)).next_window(105.0) == 105.0
