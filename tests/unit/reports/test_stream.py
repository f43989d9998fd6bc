"""Writing where the reader is slow, gone, or never comes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.processes import full_pipe
from watcher.reports.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A full pipe: its reader and its writer."""
    reader, writer = full_pipe()
    yield reader, writer
    os.close(reader)


def empty(reader: int) -> bytes:
    """What is in a pipe."""
    os.set_blocking(reader, False)
    whole = b""
    try:
        while piece := os.read(reader, 1 << 16):
            whole += piece
    except BlockingIOError:
        pass
    return whole.lstrip(b".")


def test_a_reader_that_rests_holds_nothing_up(pipe: tuple[int, int]) -> None:
    """What a full pipe does not take is kept, and offered again later, in order."""
    later: list[Callable[[], None]] = []
    with os.fdopen(pipe[1], "w") as file:
        stream = Stream(file, lambda _, offer: later.append(offer))
        stream.write_line("one")
        stream.write_line("two")
        assert len(later) == 1
        later.pop()()
        assert len(later) == 1, "it is offered until somebody reads"
        empty(pipe[0])
        later.pop()()
        assert empty(pipe[0]) == b"one\ntwo\n"
        assert not later
        stream.write_line("three")
        assert empty(pipe[0]) == b"three\n"


def test_draining_ends_with_the_patience(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """After a signal nobody is waited for: the rest is dropped, and that is no failure."""
    monkeypatch.setattr(Stream, "patience_ends", 0.0)
    with os.fdopen(pipe[1], "w") as file:
        stream = Stream(file)
        stream.write_line("lost")
        stream.drain()
        empty(pipe[0])
        stream.write_line("lost, too")
        stream.check()
    assert empty(pipe[0]) == b""


def test_a_long_line_comes_in_one_piece(pipe: tuple[int, int]) -> None:
    """The pieces of a long line come out in order, with one end."""
    empty(pipe[0])
    got = b""
    with os.fdopen(pipe[1], "w") as file:
        stream = Stream(file)
        stream.write_line_of([b"%06d" % number for number in range(30_000)])
        while stream_has_more(stream):
            got += empty(pipe[0])
            stream.write("")
        got += empty(pipe[0])
    assert got == b"".join(b"%06d" % number for number in range(30_000)) + b"\n"


def stream_has_more(stream: Stream) -> bool:
    """Whether something is kept for the reader."""
    return bool(stream._pending)  # noqa: SLF001 (nobody else may know)
