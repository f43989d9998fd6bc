"""The demo: create an import in the embedded simulator and watch it over real HTTP in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from watcher.api.targets import parse_target
from watcher.api.token import Secret
from watcher.core.errors import UsageError
from watcher.core.model import ImportRef
from watcher.simulator import SCENARIOS, serve

APPROVE_AFTER = 3.0
"""Seconds until the demo approves its own import."""

_IMPORTS = "/api/v2/segments/demo/production/big-spenders/imports"


@asynccontextmanager
async def running_demo(scenario: str, token: Secret) -> AsyncIterator[tuple[ImportRef, str]]:
    """Start the simulator on a free port, create an import, and yield it with the base URI.

    Raises:
        UsageError: There is no such scenario.
    """
    if scenario not in SCENARIOS:
        names = ", ".join(sorted(set(SCENARIOS) - {"demo"}))
        raise UsageError(f"--demo={scenario}: no such scenario. Choose one of {names}.")
    async with serve(scenario=scenario, approve_after=APPROVE_AFTER) as base_uri:
        form = aiohttp.FormData({"mode": "merge"})
        form.add_field("file", b"user-1\nuser-2\n", filename="keys.csv", content_type="text/csv")
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                base_uri + _IMPORTS, data=form, headers={"Authorization": token.reveal()}
            ) as response,
        ):
            location = response.headers["Location"]
        yield parse_target(location).ref, base_uri
