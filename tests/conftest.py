"""Settings and fixtures of all tests."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.support.processes import Simulator, StartSimulator, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

# A loaded machine is slow now and then, which says nothing about the code.
settings.register_profile("watcher", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("watcher")


@pytest.fixture
def start_simulator() -> Iterator[StartSimulator]:
    """Starts simulators, and ends them with the test."""
    with ExitStack() as stack:

        def start(
            scenario: str = "happy", *, speed: float = 20.0, rate_limit: int | None = None
        ) -> Simulator:
            return stack.enter_context(serving(scenario, speed, rate_limit))

        yield start
