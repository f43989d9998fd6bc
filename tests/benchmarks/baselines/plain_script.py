"""A plain script on aiohttp, backoff and structlog: one GET of an import, and one line of log.

The argument is the URL; the token is in the environment, as for `watcher`.
"""

from __future__ import annotations

import asyncio
import os
import sys

import aiohttp
import backoff
import structlog

log = structlog.get_logger()


@backoff.on_exception(backoff.expo, aiohttp.ClientError, max_tries=5)
async def look(url: str, token: str) -> str:
    """Return the status of an import."""
    async with (
        aiohttp.ClientSession(headers={"Authorization": token}, raise_for_status=True) as session,
        session.get(url) as response,
    ):
        body = await response.json()
    return str(body["status"])


async def main() -> None:
    """Poll once, and log the status."""
    url = sys.argv[1]
    status = await look(url, os.environ["LD_ACCESS_TOKEN"])
    log.info("import", url=url, status=status)


if __name__ == "__main__":
    asyncio.run(main())
