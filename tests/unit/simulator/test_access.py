"""The simulator's rate limit."""

from __future__ import annotations

from watcher.simulator.access import RateLimit


def test_rate_limit_counts_in_windows_of_ten_seconds() -> None:
    """A window starts at a multiple of ten seconds of Unix time, and the headers give its end."""
    limit = RateLimit(2)
    taken = [limit.take(now) for now in (1000.0, 1009.0, 1009.99, 1010.0)]
    assert [allowed for allowed, _ in taken] == [True, True, False, True]
    assert [headers["X-Ratelimit-Global-Remaining"] for _, headers in taken] == ["1", "0", "0", "1"]
    assert [headers["X-Ratelimit-Reset"] for _, headers in taken] == ["1010000"] * 3 + ["1020000"]
    assert {headers["X-Ratelimit-Global-Limit"] for _, headers in taken} == {"2"}
