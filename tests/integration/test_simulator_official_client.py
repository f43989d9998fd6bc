"""LaunchDarkly's generated client can read every response of the simulator."""

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
    """The client raises only for an unknown status and for errors."""
    # Imported late: it takes seconds, in every process that collects tests.
    client = import_module("tests.support.official_client")

    async def main() -> None:
        async with serve(scenario=scenario, speed=speed, token=AUTHORIZATION) as base_uri:
            await asyncio.to_thread(getattr(client, use), base_uri)  # the client blocks

    asyncio.run(main())
