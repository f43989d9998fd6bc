"""What the rate-limit headers ask for."""

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
    """The wait that an answer names."""
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
def test_a_refusal_names_the_latest_moment(headers: dict[str, str], seconds: float) -> None:
    """All kinds of limit count, relative to the answer's own Date, whatever the local clock says."""
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
def test_a_useless_header_names_nothing(headers: dict[str, str]) -> None:
    """A moment in the past, over an hour ahead or unparsable is survived."""
    assert wait(headers) is None


def test_an_endless_retry_after_is_still_a_number() -> None:
    """Retry-After is honoured whatever its size, and adds to a clock without overflow."""
    seconds = wait({"retry-after": "9" * 400})
    assert seconds is not None
    assert 1e9 < seconds < 1e10


def test_without_a_date_the_local_clock_serves() -> None:
    """A response that leaves Date out is taken to be from now."""
    limits = read_rate_limits({"x-ratelimit-reset": str((SERVER + 8) * 1000)}, float(SERVER))
    assert limits.named_wait(throttled=True) == 8


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Foo 2026 99:99:99 GMT", "\x00"])
def test_an_unusable_date_is_none(date: str) -> None:
    """A Date that is no date falls back to the local clock."""
    limits = read_rate_limits({"date": date, "x-ratelimit-reset": str((SERVER + 8) * 1000)}, float(SERVER))
    assert limits.named_wait(throttled=True) == 8


@pytest.mark.parametrize("limit", list(Limit))
def test_nothing_left_on_a_good_answer_names_the_reset(limit: Limit) -> None:
    """A 200 that used the last request of a window holds until its end; with one left it does not."""
    size, left, reset = limit.value
    headers = {size: "40", reset: str((SERVER + 6) * 1000)}
    assert wait({**headers, left: "0"}, throttled=False) == 6
    assert wait({**headers, left: "1"}, throttled=False) is None


def test_retry_after_counts_on_any_answer() -> None:
    """A 503, and even a 200, may ask for a pause."""
    assert wait({"retry-after": "4"}, throttled=False) == 4


def test_budgets_are_read() -> None:
    """Each limit's size, rest and window are told apart."""
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
def test_any_headers_are_read(headers: dict[str, str], received: float, throttled: bool) -> None:  # noqa: FBT001 (drawn)
    """Whatever the headers hold, the wait is a positive number of seconds or none, and nothing is raised."""
    seconds = read_rate_limits(headers, received).named_wait(throttled=throttled)
    assert seconds is None or 0 < seconds < 1e10
