"""Tests of invalid rate-limit headers, with the real client and the real loop."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.fault_server import Close, Hang, Play, Send
from tests.support.fault_watch import SHORT_TIMEOUT, first_fault, quick, watch
from tests.support.faults import COMPLETE, answer, import_body
from watcher.core.events import Ended, MetThrottle, Retrying
from watcher.core.statuses import Outcome

EXCESSIVE = f"Retry-After: {'9' * 400}"
TOO_MANY = "429 Too Many Requests"

INVALID_HEADERS = (
    ("X-Nothing: 1",),
    ("Retry-After:",),
    ("Retry-After: soon",),
    ("Retry-After: -5",),
    ("Retry-After: 0",),
    ("Retry-After: 1e9",),
    ("Retry-After: NaN",),
    ("Retry-After: Infinity",),
    ("Retry-After: 0x10",),
    ("Retry-After: \xb2\xb3",),
    ("Retry-After: Thu, 01 Jan 1970 00:00:00 GMT",),
    ("Retry-After: Thu, 99 Foo 99999 99:99:99 +99999999",),
    ("Retry-After: Fri, 31 Dec 9999 23:59:59 -9999",),
    ("X-Ratelimit-Reset: soon", "X-Ratelimit-Global-Remaining: none"),
    ("X-Ratelimit-Reset: -1", "X-Ratelimit-Auth-Token-Reset: 1e99"),
    ("X-Ratelimit-Reset: 1", "X-Ratelimit-Route-Remaining: -1"),
    (f"X-Ratelimit-Reset: {'9' * 400}", f"X-Ratelimit-Route-Limit: {'9' * 400}"),
    ("X-Ratelimit-Reset: 253402300799999", "Date: Thu, 99 Foo 99999 99:99:99"),
)

each_invalid_header = pytest.mark.parametrize("fields", INVALID_HEADERS, ids=lambda fields: fields[0][:40])


def refusal(*fields: str) -> Play:
    """Return a 429 with these headers."""
    return Play((Send(answer(b"", *fields, status=TOO_MANY)),))


@each_invalid_header
def test_a_429_with_invalid_headers(fields: tuple[str, ...]) -> None:
    """A 429 with invalid headers is treated like one without: the backoff starts at one to two seconds."""
    event = asyncio.run(first_fault(refusal(*fields)))
    assert isinstance(event, MetThrottle)
    assert event.named_wait is None
    assert 1 <= event.wait <= 2


@each_invalid_header
def test_a_valid_response_with_invalid_headers(fields: tuple[str, ...]) -> None:
    """Invalid headers of a valid response delay nothing."""
    good = Play((Send(answer(import_body(), *fields)),))
    came = asyncio.run(watch(good, COMPLETE, policy=quick(timeout=3.0)))
    assert came.outcome is Outcome.COMPLETE, came.end.message


@pytest.mark.parametrize("status", [TOO_MANY, "200 OK", "503 Down"])
@pytest.mark.parametrize("end", [Close(), Hang()], ids=["closed", "stalled"])
def test_a_retry_after_whose_body_is_cut_off(status: str, end: Close | Hang) -> None:
    """A `Retry-After` counts even if the body is cut off."""
    broken = Play((Send(answer(b"{", "Retry-After: 30", status=status, length=99)), end))
    event = asyncio.run(first_fault(broken, request_timeout=SHORT_TIMEOUT))
    assert isinstance(event, MetThrottle if status == TOO_MANY else Retrying)
    assert event.wait >= 30


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(TOO_MANY, Outcome.TIMEOUT), ("200 OK", Outcome.TIMEOUT), ("503 Down", Outcome.UNAVAILABLE)],
)
def test_an_excessive_retry_after(status: str, outcome: Outcome) -> None:
    """A `Retry-After` with 400 digits ends the watch immediately, and the message names it."""
    held = Play((Send(answer(import_body(), EXCESSIVE, status=status)),))
    came = asyncio.run(watch(held, policy=quick(outage_budget=300.0, timeout=3600.0)))
    assert came.outcome is outcome
    assert len(came.requests) == 1
    assert "the API asks to wait" in came.end.message


@pytest.mark.parametrize(
    "fields",
    [
        ("Retry-After: 30", "Retry-After: 1"),
        ("Retry-After: 1", "Retry-After: 30"),
        ("Retry-After: 1, 30",),
        (
            "Date: Thu, 01 Jan 2026 00:00:00 GMT",
            "Retry-After: Thu, 01 Jan 2026 00:00:30 GMT",
            "Retry-After: 1",
        ),
        ("Date: Thu, 01 Jan 2026 00:00:00 GMT", "Retry-After: 1", "X-Ratelimit-Reset: 1767225630000"),
    ],
)
def test_the_latest_time_counts(fields: tuple[str, ...]) -> None:
    """Of several times the latest counts, even if a gateway repeats a header of the API."""
    event = asyncio.run(first_fault(refusal(*fields)))
    assert isinstance(event, MetThrottle)
    assert event.named_wait is not None
    assert 30 <= event.wait <= 33.1


def test_a_retry_after_before_the_deadline_is_respected() -> None:
    """A `Retry-After` is respected, fractions of a second included."""
    came = asyncio.run(watch(refusal("Retry-After: 0.2"), COMPLETE, policy=quick()))
    assert isinstance(came.events[-1], Ended)
    assert came.outcome is Outcome.COMPLETE
    assert came.elapsed >= 0.2
