"""LaunchDarkly's generated client can read every response of the simulator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib import import_module

import pytest

from tests.support.simulator_client import FROZEN
from tests.support.stepping import SteppedClock
from watcher.simulator import serve

AUTHORIZATION = "api-x"


def test_the_client_reads_every_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client raises only for an unknown status and for errors."""
    # Imported late, and by one test: it takes seconds in every process.
    client = import_module("tests.support.official_client")

    async def play(scenario: str, use: Callable[[str, SteppedClock], None]) -> None:
        async with serve(scenario=scenario, speed=FROZEN, token=AUTHORIZATION) as base_uri:
            await asyncio.to_thread(use, base_uri, SteppedClock(monkeypatch))  # the client blocks

    asyncio.run(play("happy", client.approve_an_import))
    asyncio.run(play("unknown-status", client.meet_an_unknown_status))
    asyncio.run(play("stuck", client.meet_errors))
