"""Reads in a thread: values and errors come back, and a read that blocks is given up."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Iterator

import pytest

from watcher.cli import reading as module
from watcher.cli.reading import Reading, ThreadReader, Unread


@pytest.fixture
def blocked() -> Iterator[threading.Event]:
    """Return an event that ends blocked threads, at the end of the test at the latest."""
    event = threading.Event()
    yield event
    event.set()


def reader_of(
    reading: Reading, notices: list[str], *, patience: float = math.inf, stop: asyncio.Event | None = None
) -> ThreadReader:
    """Return a reader with a deadline from now; call it in a loop."""
    deadline = asyncio.get_running_loop().time() + patience
    return ThreadReader(reading, deadline=deadline, stop=stop or asyncio.Event(), notify=notices.append)


def test_a_value_and_an_error() -> None:
    """The value and the error of the function are those of the call."""

    async def read() -> None:
        reader = reader_of(Reading(), [])
        assert await reader.call(lambda: 42) == 42
        with pytest.raises(ZeroDivisionError):
            await reader.call(lambda: 1 // 0)

    asyncio.run(read())


def test_without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a system that has no thread left, the function is called directly."""

    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    async def read() -> int:
        monkeypatch.setattr(threading.Thread, "start", refuse)
        return await reader_of(Reading(), []).call(lambda: 42)

    assert asyncio.run(read()) == 42


@pytest.mark.parametrize("is_stopped", [True, False])
def test_a_read_that_blocks(blocked: threading.Event, *, is_stopped: bool) -> None:
    """The deadline and a signal give the read up while its thread still blocks."""

    async def read() -> None:
        stop = asyncio.Event()
        if is_stopped:
            asyncio.get_running_loop().call_later(0.05, stop.set)
        reader = reader_of(Reading(), [], patience=math.inf if is_stopped else 0.05, stop=stop)
        with pytest.raises(Unread):
            await reader.call(blocked.wait)

    asyncio.run(read())
    assert not blocked.is_set()


def test_one_notice(blocked: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is reported once, with the name of what is being read."""
    monkeypatch.setattr(module, "NOTICE_AFTER", 0.02)
    notices: list[str] = []
    reading = Reading()

    def read_fifo() -> None:
        reading.begin("a pipe")
        blocked.wait()

    async def read() -> None:
        with pytest.raises(Unread):
            await reader_of(reading, notices, patience=0.3).call(read_fifo)

    asyncio.run(read())
    assert notices == ["waiting for a pipe"]


def test_no_notice_while_input_arrives(blocked: threading.Event) -> None:
    """The time without input counts from the last input."""
    notices: list[str] = []
    reading = Reading()

    def receive() -> None:
        reading.silent_since += 1000
        blocked.wait()

    async def read() -> None:
        with pytest.raises(Unread):
            await reader_of(reading, notices, patience=0.2).call(receive)

    asyncio.run(read())
    assert notices == []
