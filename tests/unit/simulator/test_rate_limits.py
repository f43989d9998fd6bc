"""The simulator's rate limits."""

from __future__ import annotations

from watcher.simulator.rate_limits import Limit, RateLimits


def test_rate_limits_count_in_windows_of_ten_seconds() -> None:
    """A window starts at a multiple of ten seconds of Unix time, and the headers give its end."""
    limits = RateLimits({Limit.ACCOUNT: 2})
    taken = [limits.take(now) for now in (1000.0, 1009.0, 1009.99, 1010.0)]
    assert [allowed for allowed, _, _ in taken] == [True, True, False, True]
    assert [headers["X-Ratelimit-Global-Remaining"] for _, _, headers in taken] == ["1", "0", "0", "1"]
    assert [headers["X-Ratelimit-Reset"] for _, _, headers in taken] == ["1010000"] * 3 + ["1020000"]
    assert {headers["X-Ratelimit-Global-Limit"] for _, _, headers in taken} == {"2"}


def test_each_limit_is_shared_by_its_own_requests() -> None:
    """All tokens share the limit of a route, all routes that of a token, and a refusal uses up neither."""
    limits = RateLimits({Limit.ROUTE: 2, Limit.TOKEN: 3})
    requests = [("get", "a"), ("get", "b"), ("get", "a"), ("put", "a"), ("put", "a"), ("post", "a")]
    taken = [limits.take(1000.0, route=route, token=token) for route, token in requests]
    assert [allowed for allowed, _, _ in taken] == [True, True, False, True, True, False]
    left = [(left[Limit.ROUTE], left[Limit.TOKEN]) for _, left, _ in taken]
    assert left == [(1, 2), (0, 2), (0, 2), (1, 1), (0, 0), (2, 0)]


def test_only_enforced_limits_have_headers() -> None:
    """The headers are those of the given limits, and without limits there are none."""
    _, _, headers = RateLimits({Limit.ROUTE: 5, Limit.TOKEN: 1000}).take(1003.0)
    assert headers == {
        "X-Ratelimit-Route-Limit": "5",
        "X-Ratelimit-Route-Remaining": "4",
        "X-Ratelimit-Reset": "1010000",
        "X-Ratelimit-Auth-Token-Limit": "1000",
        "X-Ratelimit-Auth-Token-Remaining": "999",
        "X-Ratelimit-Auth-Token-Reset": "1010000",
    }
    assert RateLimits({}).take(1003.0) == (True, {}, {})
