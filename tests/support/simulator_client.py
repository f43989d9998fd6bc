"""A client of the simulator for the tests, on aiohttp."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp

from tests.support.processes import SEGMENT, TOKEN

if TYPE_CHECKING:
    from yarl import URL

IMPORTS = f"{SEGMENT}/imports"
SEMANTIC_PATCH = {"Content-Type": "application/json; domain-model=launchdarkly.semanticpatch"}
FROZEN = 0.001
"""A speed at which an import stays in `preparing` for the whole test."""


def client(base_uri: str, token: str = TOKEN) -> aiohttp.ClientSession:
    """Return a session that sends the token."""
    return aiohttp.ClientSession(base_uri, headers={"Authorization": token})


def form(**fields: str) -> aiohttp.FormData:
    """Return the form that creates an import, without the fields that are empty."""
    data = aiohttp.FormData(default_to_multipart=True)
    for name, value in ({"file": "key-1\nkey-2\n", "mode": "replace"} | fields).items():
        if value:
            data.add_field(name, value, filename="keys.csv" if name == "file" else None)
    return data


async def create(session: aiohttp.ClientSession, path: str = IMPORTS, **fields: str) -> str:
    """Create an import and return its URL."""
    async with session.post(path, data=form(**fields)) as response:
        assert response.status == 204, await response.text()
        return response.headers["Location"]


def approval(url: str, *more: dict[str, str]) -> dict[str, object]:
    """Return the semantic patch that approves the import with this URL, with further instructions."""
    instruction = {"kind": "processBigSegmentImport", "importId": url.rpartition("/")[2]}
    return {"environmentKey": "production", "comment": "go", "instructions": [instruction, *more]}


async def read(session: aiohttp.ClientSession, url: str | URL) -> dict[str, object]:
    """Read a resource that exists."""
    async with session.get(url) as response:
        assert response.status == 200
        body: dict[str, object] = await response.json()
        return body


async def read_until(session: aiohttp.ClientSession, url: str, status: str) -> None:
    """Read an import until it has this status."""
    async with asyncio.timeout(5):
        while True:
            if (await read(session, url))["status"] == status:
                return
            await asyncio.sleep(0.005)
