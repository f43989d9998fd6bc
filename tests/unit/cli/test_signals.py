"""Signals, received in this very process."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest

from watcher.cli.signals import SIGNALS, Interrupted, Signals

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def signals() -> Iterator[Signals]:
    """Install the handlers, and restore those of the test runner."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    installed = Signals()
    installed.install()
    yield installed
    for number, handler in before.items():
        signal.signal(number, handler)


def timers() -> list[threading.Thread]:
    """Return the threads that would end the process by force."""
    return [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


def test_before_the_watch(signals: Signals) -> None:
    """A signal before the watch is an exception with a shell's exit code."""
    with pytest.raises(Interrupted) as caught:
        signal.raise_signal(signal.SIGTERM)
    assert (caught.value.code, signals.number) == (143, signal.SIGTERM)


def test_during_the_watch(signals: Signals) -> None:
    """A signal during the watch calls back, and the forced exit is cancelled when the watch has ended."""
    received: list[int] = []
    with signals.watching(received.append):
        signal.raise_signal(signal.SIGTERM)
        assert timers()
    assert received == [signal.SIGTERM]
    assert not timers()


def test_after_the_result(signals: Signals) -> None:
    """A signal after the result changes nothing."""
    signals.exit_code = 3
    signal.raise_signal(signal.SIGTERM)
    assert signals.number == signal.SIGTERM


def test_a_signal_that_the_parent_ignores() -> None:
    """A signal that the parent process ignores, as a shell does for background jobs, stays ignored."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        Signals().install()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
