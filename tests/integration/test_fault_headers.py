"""Tests of invalid rate-limit headers, with the real client and the real loop."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.fault_program import run_program
from tests.support.fault_server import Close, Hang, Play, Send, Wait, playing
from tests.support.fault_watch import SHORT_TIMEOUT, first_fault, quick, watch
from tests.support.faults import COMPLETE, IN_PROGRESS, answer, import_body
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


@pytest.mark.parametrize("status", [TOO_MANY, "200 OK", "503 Down"])
@pytest.mark.parametrize("in_one_write", [True, False])
def test_a_retry_after_with_malformed_chunks(status: str, *, in_one_write: bool) -> None:
    """A `Retry-After` counts even if malformed chunks follow, in the same data or later, and at once."""
    head = f"HTTP/1.1 {status}\r\nRetry-After: 30\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    play = Play((Send(head + b"zz\r\n"), Hang()))
    if not in_one_write:
        play = Play((Send(head), Wait(0.05), Send(b"zz\r\n"), Hang()))
    event = asyncio.run(first_fault(play, request_timeout=60.0))
    assert isinstance(event, MetThrottle if status == TOO_MANY else Retrying)
    assert event.wait >= 30


@pytest.mark.parametrize("status", [TOO_MANY, "200 OK", "503 Down"])
def test_an_excessive_retry_after(status: str) -> None:
    """A `Retry-After` with 400 digits is implausible, so it delays nothing."""
    held = Play((Send(answer(import_body(), EXCESSIVE, status=status)),))
    came = asyncio.run(watch(held, COMPLETE, policy=quick()))
    assert came.outcome is Outcome.COMPLETE
    assert came.elapsed < 10


@pytest.mark.parametrize("unit", [1, 1000], ids=["seconds", "milliseconds"])
def test_a_retry_after_in_epoch_time(unit: int) -> None:
    """A `Retry-After` that is a moment, not a number of seconds, is waited for."""
    fields = "Date: Thu, 01 Jan 2026 00:00:00 GMT", f"Retry-After: {1767225603 * unit}"
    event = asyncio.run(first_fault(refusal(*fields)))
    assert isinstance(event, MetThrottle)
    assert event.named_wait == pytest.approx(3, abs=0.01)


def test_the_announced_wait_includes_a_window_without_reset() -> None:
    """A 429 with nothing left and no reset holds for a whole window, and its event says so."""
    event = asyncio.run(first_fault(IN_PROGRESS, refusal("X-Ratelimit-Global-Remaining: 0")))
    assert isinstance(event, MetThrottle)
    assert 10 <= event.wait <= 11.1


def test_a_503_with_a_long_retry_after() -> None:
    """A `Retry-After` past the outage budget is waited for, and the next answer decides."""
    down = Play((Send(answer(b"", "Retry-After: 1", status="503 Down")),))
    came = asyncio.run(watch(IN_PROGRESS, down, COMPLETE, policy=quick(outage_budget=0.3)))
    assert came.outcome is Outcome.COMPLETE
    assert came.elapsed >= 1


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


def test_an_implausible_time_is_warned_about_once() -> None:
    """The first implausible time is quoted in one warning, however often it is repeated."""

    async def run() -> str:
        held = Play((Send(answer(import_body(), "Retry-After: 1700000000")),))
        async with playing(held, held, held, COMPLETE) as server:
            ended = await run_program(server.base_uri)
        assert ended.code == 0, ended.err
        return ended.err

    assert asyncio.run(run()).count("ignoring an implausible time in the response: retry-after: 17000") == 1
