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
        ({"retry-after": "86400"}, 86400),
        ({"retry-after": datetime.fromtimestamp(SERVER + 60, UTC).strftime("%a %b %d %H:%M:%S %Y")}, 60),
        ({"retry-after": "30, 1"}, 30),
        ({"retry-after": f"1, {formatdate(SERVER + 90, usegmt=True)}, soon"}, 90),
        ({"x-ratelimit-reset": f"{(SERVER + 2) * 1000}, {(SERVER + 8) * 1000}"}, 8),
        ({"x-ratelimit-reset": str((SERVER + 8) * 1000)}, 8),
        ({"x-ratelimit-auth-token-reset": str((SERVER + 9) * 1000)}, 9),
        ({"x-ratelimit-reset": str((SERVER + 8) * 1000), "retry-after": "3"}, 8),
        ({"x-ratelimit-reset": str((SERVER + 2) * 1000), "retry-after": "3"}, 3),
        ({"x-ratelimit-reset": str((SERVER + 3600) * 1000)}, 3600),
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
        {"x-ratelimit-reset": str((SERVER + 3601) * 1000)},
        {"x-ratelimit-reset": "-1"},
        {"x-ratelimit-reset": "NaN"},
        {"x-ratelimit-reset": "9" * 400},
        {"x-ratelimit-reset": "١٢٣"},
    ],
)
def test_an_unusable_header_is_ignored(headers: dict[str, str]) -> None:
    """A time that is past, implausible or unreadable is ignored."""
    assert wait(headers) is None


def test_a_huge_retry_after_is_limited() -> None:
    """Retry-After counts whatever its size, without overflow."""
    seconds = wait({"retry-after": "9" * 400})
    assert seconds is not None
    assert 1e9 < seconds < 1e10


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
def test_any_headers_are_accepted(headers: dict[str, str], received: float, throttled: bool) -> None:  # noqa: FBT001 (drawn)
    """Any headers give a positive wait or none, without an exception."""
    seconds = read_rate_limits(headers, received).named_wait(throttled=throttled)
    assert seconds is None or 0 < seconds < 1e10
