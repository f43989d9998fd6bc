"""Signals, received in this very process."""

import asyncio
import signal
import threading
from collections.abc import Iterator

import pytest

from watcher.cli.signals import SIGNALS, Signals


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_a_run_that_ends_by_itself_is_not_cut_short_any_more() -> None:
    """What would end the process by force, 0.7 s after a signal, is gone once the run has ended."""
    interrupted: list[int] = []

    async def run() -> int | None:
        signals = Signals(interrupted.append)
        with signals.received():
            signal.raise_signal(signal.SIGTERM)
            await signals.wait()
            assert any(isinstance(thread, threading.Timer) for thread in threading.enumerate())
        return signals.number

    assert asyncio.run(run()) == signal.SIGTERM
    assert interrupted == [signal.SIGTERM]
    assert not any(isinstance(thread, threading.Timer) for thread in threading.enumerate())
