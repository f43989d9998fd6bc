"""Writes to readers that are slow, gone, or do not read at all."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.processes import full_pipe
from tests.support.terminal import Window
from watcher.reports.stream import FLUSH_TIMEOUT, Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Return the reader and the writer of a full pipe."""
    reader, writer = full_pipe()
    yield reader, writer
    os.close(reader)


def empty(reader: int) -> bytes:
    """Read everything that is in a pipe."""
    os.set_blocking(reader, False)
    whole = b""
    try:
        while piece := os.read(reader, 1 << 16):
            whole += piece
    except BlockingIOError:
        pass
    return whole.lstrip(b".")


def test_a_slow_reader_delays_nothing(pipe: tuple[int, int]) -> None:
    """Bytes that a full pipe does not accept stay pending and are offered again, in order."""
    later: list[Callable[[], None]] = []
    pending: list[bool] = []
    with os.fdopen(pipe[1], "w") as file:
        stream = Stream(file, lambda _, offer: later.append(offer))
        stream.write_line("one")
        stream.write_line("two")
        pending.append(stream.pending)
        assert len(later) == 1
        later.pop()()
        assert len(later) == 1, "it is offered until somebody reads"
        empty(pipe[0])
        later.pop()()
        assert empty(pipe[0]) == b"one\ntwo\n"
        assert not later
        pending.append(stream.pending)
        stream.write_line("three")
        assert empty(pipe[0]) == b"three\n"
    assert pending == [True, False]


def test_draining_stops_at_the_flush_deadline(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """After the deadline pending bytes are dropped, which is no failure."""
    monkeypatch.setattr(Stream, "flush_deadline", 0.0)
    with os.fdopen(pipe[1], "w") as file:
        stream = Stream(file)
        stream.write_line("lost")
        stream.drain()
        assert not stream.pending
        empty(pipe[0])
        stream.write_line("lost, too")
        stream.check()
    assert empty(pipe[0]) == b""


def test_a_signal_limits_the_flush_of_all_streams(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream waits for its reader at least for the flush timeout, but not for ever."""
    monkeypatch.setattr(Stream, "flush_deadline", Stream.flush_deadline)  # restored after the test
    with os.fdopen(pipe[1], "w") as file:
        stream = Stream(file)
        stream.write_line("lost")
        began = time.monotonic()
        Stream.limit_flush()
        stream.drain()
        assert FLUSH_TIMEOUT <= time.monotonic() - began < 30


def test_too_many_pending_bytes_wait_for_the_reader(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write of more than 1 MiB to a blocked reader waits, so memory stays bounded."""
    monkeypatch.setattr(Stream, "flush_deadline", 0.0)
    with os.fdopen(pipe[1], "w") as file:
        stream = Stream(file)
        stream.write("x" * (1 << 20))
        pending = [stream.pending]
        stream.write("x")
        assert [*pending, stream.pending] == [True, False], "the second write waits until the deadline"


def test_a_long_line_is_written_in_order(pipe: tuple[int, int]) -> None:
    """The pieces of a long line arrive in order, with one newline."""
    empty(pipe[0])
    got = b""
    with os.fdopen(pipe[1], "w") as file:
        stream = Stream(file)
        stream.write_line_of([b"%06d" % number for number in range(30_000)])
        while stream.pending:
            got += empty(pipe[0])
            stream.write("")
        got += empty(pipe[0])
    assert got == b"".join(b"%06d" % number for number in range(30_000)) + b"\n"


def test_a_terminal_that_is_almost_full_does_not_block() -> None:
    """A terminal may accept a part of a write; for other programs its descriptor still blocks."""
    window = Window()
    stream = Stream(window.file)
    assert stream.is_terminal
    while not stream.pending:
        stream.write("x" * 1000)
    stream.write("x" * 1000)
    assert os.get_blocking(window.file.fileno())
    window.close()


def test_a_reader_that_is_gone_is_no_error() -> None:
    """A closed pipe drops all later bytes."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as file:
        stream = Stream(file)
        stream.write_line("lost")
        assert not stream.pending
        stream.check()


def test_a_full_disk_is_an_error() -> None:
    """A failed write is raised by check, and later bytes are dropped."""
    with open("/dev/full", "w") as file:  # noqa: PTH123 (a device)
        stream = Stream(file)
        stream.write_line("lost")
        stream.write_line("lost")
        with pytest.raises(OSError, match="No space left"):
            stream.check()


def test_a_missing_file_drops_everything() -> None:
    """A process that was started without standard error runs as usual."""
    stream = Stream(None)
    stream.write_line("lost")
    stream.drain()
    stream.check()
    assert (stream.is_terminal, stream.pending, stream.fileno()) == (False, False, -1)
