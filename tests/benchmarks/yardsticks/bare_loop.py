"""A bare aiohttp loop that asks for imports, with the session's settings of `watcher` and no rules.

Arguments: ``saturate`` or ``pace``, the base URI, how many imports, and for how many seconds.
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
    """Makes a session as `watcher` does.

    Returns:
        The session.
    """
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


async def ask(session: aiohttp.ClientSession, url: URL) -> None:
    """Asks once, and reads what a rule would need to know.

    Args:
        session: The session.
        url: The import's address.
    """
    async with session.get(url, allow_redirects=False) as response:
        body = json.loads(await response.read())
    if response.status != 200 or "status" not in body:
        raise RuntimeError(f"HTTP {response.status}")


async def saturate(session: aiohttp.ClientSession, urls: list[URL], seconds: float) -> dict[str, object]:
    """Asks as fast as can be, one request under way for each import.

    Args:
        session: The session.
        urls: The imports' addresses.
        seconds: For how long.

    Returns:
        The polls and the seconds that they took.
    """
    now = asyncio.get_running_loop().time
    began = now()
    polls = 0

    async def repeat(url: URL) -> None:
        nonlocal polls
        while now() < began + seconds:
            await ask(session, url)
            polls += 1

    await asyncio.gather(*(repeat(url) for url in urls))
    return {"polls": polls, "elapsed_s": now() - began}


async def pace(session: aiohttp.ClientSession, urls: list[URL], seconds: float) -> dict[str, object]:
    """Asks for each import once an interval, all of them spread over it.

    Args:
        session: The session.
        urls: The imports' addresses.
        seconds: For how long.

    Returns:
        How late the polls were.
    """
    now = asyncio.get_running_loop().time
    random = Random(1)
    began = now()
    punctuality = Punctuality(began, stolen_seconds)

    async def repeat(url: URL) -> None:
        plan = began + random.uniform(0, INTERVAL)
        while plan < began + seconds:
            await asyncio.sleep(plan - now())
            punctuality.note(plan, now())
            await ask(session, url)
            plan = now() + INTERVAL * random.uniform(0.9, 1.1)

    await asyncio.gather(*(repeat(url) for url in urls))
    return asdict(punctuality.told())


async def main() -> None:
    """Does what the arguments say."""
    how, base_uri, imports, seconds = sys.argv[1:]
    path = f"{base_uri}/api/v2/segments/default/in_progress/big-spenders/imports"
    urls = [URL(f"{path}/{number:036}", encoded=True) for number in range(int(imports))]
    loop = {"saturate": saturate, "pace": pace}[how]
    async with make_session() as session:
        sys.stdout.write(json.dumps(await loop(session, urls, float(seconds))) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
