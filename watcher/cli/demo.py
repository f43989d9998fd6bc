"""The demo: an import of the embedded simulator, created and watched over real HTTP in this process."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

from watcher.api.targets import parse_target
from watcher.core.errors import UsageError
from watcher.simulator import SCENARIOS, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from watcher.api.token import Secret
    from watcher.core.model import ImportRef

APPROVE_AFTER = 3.0
"""Seconds after which the demo of an approval approves itself."""

_SEGMENT = "/api/v2/segments/demo/production/big-spenders"


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo.

    Attributes:
        base_uri: Where the simulator is.
        ref: The import that it created.
    """

    base_uri: str
    ref: ImportRef


@asynccontextmanager
async def playing(scenario: str, token: Secret) -> AsyncIterator[Demo]:
    """Starts the simulator on a free port and creates an import there.

    Args:
        scenario: What the simulator plays.
        token: What to offer it; it takes any.

    Yields:
        The demo, until the context ends.

    Raises:
        UsageError: There is no such scenario.
    """
    if scenario not in SCENARIOS:
        names = ", ".join(sorted(set(SCENARIOS) - {"demo"}))
        raise UsageError(
            f"--demo={scenario}: there is no such scenario; the scenarios are {names}, and it takes no target"
        )
    async with serve(scenario=scenario, approve_after=APPROVE_AFTER) as base_uri:
        form = aiohttp.FormData({"mode": "merge"})
        form.add_field("file", b"user-1\nuser-2\n", filename="keys.csv", content_type="text/csv")
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{base_uri}{_SEGMENT}/imports", data=form, headers={"Authorization": token.reveal()}
            ) as response,
        ):
            location = response.headers["Location"]
        yield Demo(base_uri, parse_target(location).ref)
