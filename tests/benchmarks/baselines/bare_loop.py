"""A bare aiohttp loop that polls imports with the session settings of `watcher` and without its rules.

Arguments: ``saturate`` or ``pace``, the base URI, the number of imports, and the seconds.
Prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import asdict
from random import Random

import aiohttp
from yarl import URL

from .punctuality import Punctuality, stolen_seconds

INTERVAL = 1.0


def make_session() -> aiohttp.ClientSession:
    """Return a session with the settings of `watcher`."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, resolver=aiohttp.ThreadedResolver()),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=10),
        auto_decompress=False,
        headers={
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "LD-API-Version": "20240415",
            "User-Agent": "bare-loop/1",
            "Authorization": os.environ["LD_ACCESS_TOKEN"],
        },
    )


async def poll(session: aiohttp.ClientSession, url: URL) -> None:
    """Poll once, and check that the response has a status."""
    async with session.get(url, allow_redirects=False) as response:
        body = json.loads(await response.read())
    if response.status != 200 or "status" not in body:
        raise RuntimeError(f"HTTP {response.status}")


async def saturate(session: aiohttp.ClientSession, urls: list[URL], seconds: float) -> dict[str, object]:
    """Poll as fast as possible with one request in flight per import; return the polls and the seconds."""
    now = asyncio.get_running_loop().time
    began = now()
    polls = 0

    async def repeat(url: URL) -> None:
        nonlocal polls
        while now() < began + seconds:
            await poll(session, url)
            polls += 1

    await asyncio.gather(*(repeat(url) for url in urls))
    return {"polls": polls, "elapsed_s": now() - began}


async def pace(session: aiohttp.ClientSession, urls: list[URL], seconds: float) -> dict[str, object]:
    """Poll each import once per interval, spread over it; return the lateness of the polls."""
    now = asyncio.get_running_loop().time
    random = Random(1)
    began = now()
    punctuality = Punctuality(began, stolen_seconds)

    async def repeat(url: URL) -> None:
        plan = began + random.uniform(0, INTERVAL)
        while plan < began + seconds:
            await asyncio.sleep(plan - now())
            punctuality.note(plan, now())
            await poll(session, url)
            plan = now() + INTERVAL * random.uniform(0.9, 1.1)

    await asyncio.gather(*(repeat(url) for url in urls))
    return asdict(punctuality.lateness())


async def main() -> None:
    """Run the loop that the arguments name."""
    mode, base_uri, imports, seconds = sys.argv[1:]
    path = f"{base_uri}/api/v2/segments/default/in_progress/big-spenders/imports"
    urls = [URL(f"{path}/{number:036}", encoded=True) for number in range(int(imports))]
    loop = {"saturate": saturate, "pace": pace}[mode]
    async with make_session() as session:
        sys.stdout.write(json.dumps(await loop(session, urls, float(seconds))) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
