"""A clock for a simulator with the speed ``FROZEN``, which the test moves, so that no status is missed."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

from tests.support.simulator_client import FROZEN
from watcher.simulator import store

if TYPE_CHECKING:
    import pytest


class SteppedClock:
    """The time of the simulator's imports."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ahead = 0.0
        names = SimpleNamespace(monotonic=lambda: time.monotonic() + self._ahead, time=time.time)
        monkeypatch.setattr(store, "time", names)

    def step(self, seconds: float) -> None:
        """Move all imports by a time in their scenario."""
        self._ahead += seconds / FROZEN
