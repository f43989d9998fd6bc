"""Tests of the grouping of equal messages."""

from __future__ import annotations

from itertools import pairwise

import pytest

from watcher.core.text import duration
from watcher.reports.grouping import shape_of

DURATIONS = [0.34, 1.8, 2.0, 9.3, 45.0, 93.0, 3720.0, 3600.0, 90_000.0]


@pytest.mark.parametrize(
    "message",
    [
        "stopped in LaunchDarkly after {}. Find out why.",
        "last status ready for {}; last error: HTTP 503",
        "last error {} ago: HTTP 503",
        "the API asks to wait {}",
    ],
)
def test_a_duration_makes_no_difference(message: str) -> None:
    """Messages that differ only in a duration have one shape, whatever its unit and its decimals."""
    shapes = [shape_of(message.format(duration(seconds))) for seconds in DURATIONS]
    assert all(one == other for one, other in pairwise(shapes))


@pytest.mark.parametrize(
    ("one", "other"),
    [("HTTP 502", "HTTP 503"), ("after 2s: HTTP 404", "after 2s: HTTP 403"), ("ready", "stopped")],
)
def test_a_status_makes_a_difference(one: str, other: str) -> None:
    """Messages with different statuses, of HTTP or of the import, have different shapes."""
    assert shape_of(one) != shape_of(other)


def test_a_request_id_makes_no_difference() -> None:
    """The same error with another ID of the request, or from another address, has the same shape."""
    messages = [
        f'HTTP 403 forbidden "no" (id {one}) from {two}'
        for one, two in (("1f3a", "10.0.0.1"), ("9c", "10.0.0.12"))
    ]
    assert shape_of(messages[0]) == shape_of(messages[1])
