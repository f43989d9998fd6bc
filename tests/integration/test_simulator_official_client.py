"""LaunchDarkly's own generated client against the simulator: it must be able to read every answer."""

from __future__ import annotations

import asyncio
from importlib import import_module

import pytest

from watcher.simulator import serve

AUTHORIZATION = "api-x"


@pytest.mark.parametrize(
    ("use", "scenario", "speed"),
    [
        ("approve_an_import", "happy", 20),
        ("meet_an_unknown_status", "unknown-status", 20),
        ("meet_errors", "stuck", 1),
    ],
)
def test_the_client_reads_every_answer(use: str, scenario: str, speed: float) -> None:
    """The client follows an import and approves it, and raises only on what it cannot know and on errors."""
    # Only now, for the import takes seconds, which each process that collects tests would spend.
    client = import_module("tests.support.official_client")

    async def main() -> None:
        async with serve(scenario=scenario, speed=speed, token=AUTHORIZATION) as base_uri:
            await asyncio.to_thread(getattr(client, use), base_uri)  # the client blocks

    asyncio.run(main())
