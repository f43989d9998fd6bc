"""Signals, received in this very process."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest

from watcher.cli.signals import SIGNALS, Interrupted, Signals, raise_interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def signals() -> Iterator[Signals]:
    """Install the handlers, and restore those of the test runner."""
    before = {number: signal.getsignal(number) for number in (*SIGNALS, signal.SIGCONT)}
    installed = Signals()
    installed.install()
    yield installed
    installed.stop_timer()
    for number, handler in before.items():
        signal.signal(number, handler)


def timers() -> list[threading.Thread]:
    """Return the threads that would end the process by force."""
    return [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


def test_during_imports(signals: Signals) -> None:
    """A signal during imports is recorded, so that no module is left half imported."""
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(Interrupted) as caught:
        signals.check()
    assert (caught.value.code, signals.number) == (143, signal.SIGTERM)


def test_during_a_blocked_read(signals: Signals) -> None:
    """A signal while targets are read is an exception that no library catches."""
    signals.set_callback(raise_interrupted)
    with pytest.raises(Interrupted):
        signal.raise_signal(signal.SIGTERM)
    assert not issubclass(Interrupted, Exception | KeyboardInterrupt)


def test_during_the_watch(signals: Signals) -> None:
    """A signal during the watch calls back, and limits how long writes may take."""
    received: list[int] = []
    signals.on_signal = lambda: received.append(0)
    signals.set_callback(received.append)
    signal.raise_signal(signal.SIGTERM)
    assert received == [0, signal.SIGTERM]


def test_the_forced_exit_is_cancelled(signals: Signals) -> None:
    """The thread that would end the process by force ends with the run."""
    signal.raise_signal(signal.SIGTERM)
    assert timers()
    signals.stop_timer()
    assert not timers()


def test_after_the_result(signals: Signals) -> None:
    """A signal after the result raises nothing by itself."""
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
        signal.signal(signal.SIGCONT, signal.SIG_DFL)
