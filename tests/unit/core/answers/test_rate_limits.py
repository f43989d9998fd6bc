"""Tests of the rate-limit headers."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.answers.rate_limits import Limit, read_rate_limits

SERVER = 1_767_600_000
DATE = formatdate(SERVER, usegmt=True)
WRONG_CLOCK = SERVER - 86400.0 * 400


def wait(headers: dict[str, str], *, throttled: bool = True, received: float = WRONG_CLOCK) -> float | None:
    """Return the wait that a response names."""
    return read_rate_limits({"date": DATE, **headers}, received).named_wait(throttled=throttled)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 7 "}, 7),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": formatdate(SERVER + 90, usegmt=True)}, 90),
        ({"retry-after": "3600"}, 3600),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": str(SERVER + 3)}, 3),
        ({"retry-after": f"{SERVER + 3}.5"}, 3.5),
        ({"retry-after": str((SERVER + 3) * 1000)}, 3),
        ({"retry-after": f"5, {SERVER + 86400}"}, 5),
        ({"retry-after": datetime.fromtimestamp(SERVER + 60, UTC).strftime("%a %b %d %H:%M:%S %Y")}, 60),
        ({"retry-after": "30, 1"}, 30),
        ({"retry-after": f"1, {formatdate(SERVER + 90, usegmt=True)}, soon"}, 90),
        ({"x-ratelimit-reset": f"{(SERVER + 2) * 1000}, {(SERVER + 8) * 1000}"}, 8),
        ({"x-ratelimit-reset": str((SERVER + 8) * 1000)}, 8),
        ({"x-ratelimit-auth-token-reset": str((SERVER + 9) * 1000)}, 9),
        ({"x-ratelimit-reset": str((SERVER + 8) * 1000), "retry-after": "3"}, 8),
        ({"x-ratelimit-reset": str((SERVER + 2) * 1000), "retry-after": "3"}, 3),
        ({"x-ratelimit-reset": str((SERVER + 120) * 1000)}, 120),
    ],
)
def test_the_latest_time_of_a_429_counts(headers: dict[str, str], seconds: float) -> None:
    """All limits count, relative to the response's Date, whatever the local clock shows."""
    assert wait(headers) == seconds


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"retry-after": "0"},
        {"retry-after": "-5"},
        {"retry-after": "soon"},
        {"retry-after": "1e3"},
        {"retry-after": ""},
        {"retry-after": formatdate(SERVER - 5, usegmt=True)},
        {"x-ratelimit-reset": str((SERVER - 1) * 1000)},
        {"x-ratelimit-reset": str(SERVER + 8)},
        {"x-ratelimit-reset": str((SERVER + 121) * 1000)},
        {"retry-after": "3601"},
        {"retry-after": "86400"},
        {"retry-after": "9" * 400},
        {"retry-after": str(SERVER - 3)},
        {"retry-after": str(SERVER + 3601)},
        {"retry-after": formatdate(SERVER + 3601, usegmt=True)},
        {"x-ratelimit-reset": "-1"},
        {"x-ratelimit-reset": "NaN"},
        {"x-ratelimit-reset": "9" * 400},
        {"x-ratelimit-reset": "١٢٣"},
    ],
)
def test_an_unusable_header_is_ignored(headers: dict[str, str]) -> None:
    """A time that is past, implausible or unreadable is ignored."""
    assert wait(headers) is None


@pytest.mark.parametrize(
    ("headers", "quoted"),
    [
        ({"retry-after": "86400"}, ("retry-after: 86400",)),
        ({"retry-after": "9" * 400}, (f"retry-after: {'9' * 37}...",)),
        ({"retry-after": f"5, {SERVER + 86400}"}, (f"retry-after: 5, {SERVER + 86400}",)),
        ({"x-ratelimit-reset": str(SERVER + 8)}, (f"x-ratelimit-reset: {SERVER + 8}",)),
        (
            {"x-ratelimit-auth-token-reset": str((SERVER + 121) * 1000)},
            (f"x-ratelimit-auth-token-reset: {(SERVER + 121) * 1000}",),
        ),
        ({"x-ratelimit-reset": str((SERVER - 30) * 1000)}, ()),
        ({"retry-after": str(SERVER - 3)}, ()),
        ({"retry-after": formatdate(SERVER - 5, usegmt=True)}, ()),
        ({"retry-after": "0"}, ()),
        ({"retry-after": " "}, ()),
        ({"retry-after": "soon"}, ("retry-after: soon",)),
        ({"retry-after": "-5"}, ("retry-after: -5",)),
        ({"retry-after": "5, never"}, ("retry-after: 5, never",)),
        ({"x-ratelimit-reset": "NaN"}, ("x-ratelimit-reset: NaN",)),
        ({"x-ratelimit-reset": "9" * 400}, (f"x-ratelimit-reset: {'9' * 37}...",)),
    ],
)
def test_an_implausible_time_is_quoted(headers: dict[str, str], quoted: tuple[str, ...]) -> None:
    """A time that is too far away or unreadable is quoted; one that is over is not."""
    assert read_rate_limits({"date": DATE, **headers}, WRONG_CLOCK).implausible == quoted


def test_the_local_clock_replaces_a_missing_date() -> None:
    """A response without Date counts from now."""
    limits = read_rate_limits({"x-ratelimit-reset": str((SERVER + 8) * 1000)}, float(SERVER))
    assert limits.named_wait(throttled=True) == 8


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Foo 2026 99:99:99 GMT", "\x00"])
def test_the_local_clock_replaces_an_unreadable_date(date: str) -> None:
    """An unreadable Date is replaced by the local clock."""
    limits = read_rate_limits({"date": date, "x-ratelimit-reset": str((SERVER + 8) * 1000)}, float(SERVER))
    assert limits.named_wait(throttled=True) == 8


@pytest.mark.parametrize("limit", list(Limit))
def test_a_200_with_nothing_left_names_the_reset(limit: Limit) -> None:
    """A 200 with nothing left of a window names its end as the next time."""
    size, left, reset = limit.value
    headers = {size: "40", reset: str((SERVER + 6) * 1000)}
    assert wait({**headers, left: "0"}, throttled=False) == 6
    assert wait({**headers, left: "1"}, throttled=False) is None


def test_retry_after_counts_on_any_response() -> None:
    """Retry-After counts on any response."""
    assert wait({"retry-after": "4"}, throttled=False) == 4


def test_an_implausible_time_does_not_hide_another() -> None:
    """A plausible time counts beside one that is ignored."""
    headers = {"x-ratelimit-reset": str((SERVER + 8) * 1000), "retry-after": "99999999"}
    assert wait(headers) == 8


@pytest.mark.parametrize(
    ("remaining", "size", "budget"),
    [
        ("12", "40", (40, 12)),
        ("12, 7, 9", "40, 30", (30, 7)),
        ("12", "many", (None, 12)),
        ("9" * 15, "9" * 16, (None, 10**15 - 1)),
        ("none", "40", None),
    ],
)
def test_a_budget_needs_no_window(remaining: str, size: str, budget: tuple[int | None, int] | None) -> None:
    """Of several numbers the least counts, and what is no number is not given."""
    headers = {"x-ratelimit-global-remaining": remaining, "x-ratelimit-global-limit": size}
    budgets = read_rate_limits(headers, WRONG_CLOCK).budgets
    assert [(one.size, one.remaining, one.window, one.resets_in) for one in budgets] == (
        [] if budget is None else [(*budget, None, None)]
    )


def test_budgets_are_parsed() -> None:
    """Each limit has its own size, remaining requests and window."""
    reset = str((SERVER + 6) * 1000)
    limits = read_rate_limits(
        {
            "date": DATE,
            "x-ratelimit-global-limit": "100",
            "x-ratelimit-global-remaining": "60",
            "x-ratelimit-route-remaining": "5",
            "x-ratelimit-reset": reset,
            "x-ratelimit-auth-token-remaining": "many",
        },
        0.0,
    )
    account, route = limits.budgets
    assert (account.limit, account.size, account.remaining, account.window) == (
        Limit.ACCOUNT,
        100,
        60,
        int(reset),
    )
    assert (route.limit, route.size, route.remaining, route.resets_in) == (Limit.ROUTE, None, 5, 6)


names = st.sampled_from(
    ["date", "retry-after", *{name for limit in Limit for name in limit.value}],
)


@given(st.dictionaries(names, st.text() | st.integers().map(str)), st.floats(-1e12, 1e12), st.booleans())
def test_any_headers_are_accepted(headers: dict[str, str], received: float, throttled: bool) -> None:
    """Any headers give a positive wait or none, without an exception."""
    seconds = read_rate_limits(headers, received).named_wait(throttled=throttled)
    assert seconds is None or 0 < seconds <= 3600


@pytest.mark.parametrize(("seconds", "ignored"), [(-3600, 0), (-3601, 1), (3600, 0), (3601, 1)])
def test_a_moment_up_to_an_hour_away_is_plausible(seconds: int, ignored: int) -> None:
    """A moment is plausible up to an hour before or after the response."""
    headers = {"date": DATE, "retry-after": formatdate(SERVER + seconds, usegmt=True)}
    assert len(read_rate_limits(headers, WRONG_CLOCK).implausible) == ignored
