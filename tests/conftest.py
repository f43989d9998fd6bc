"""Settings and fixtures for all tests."""

from __future__ import annotations

import gc
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.support.processes import Simulator, StartSimulator, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

# No deadlines: a loaded machine may be slow.
settings.register_profile("watcher", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("watcher")


def pytest_configure() -> None:
    """Stop ignoring signals: a shell does so for programs in the background, and all processes inherit it."""
    for number in (signal.SIGHUP, signal.SIGINT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def pytest_collection_finish() -> None:
    """Exempt the collected tests, hundreds of thousands of objects, from each garbage collection."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def start_simulator() -> Iterator[StartSimulator]:
    """Start simulators, and stop them at the end of the test."""
    with ExitStack() as stack:

        def start(
            scenario: str = "happy", *, speed: float = 20.0, rate_limit: int | None = None
        ) -> Simulator:
            return stack.enter_context(serving(scenario, speed, rate_limit))

        yield start
