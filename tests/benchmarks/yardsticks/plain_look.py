"""One GET of an import, and one line of log: what anybody would write on aiohttp, backoff and structlog.

The first argument is the URL; the token stands in the environment as it does for `watcher`.
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
    """Asks once for an import.

    Args:
        url: Its address.
        token: The access token.

    Returns:
        Its status.
    """
    async with (
        aiohttp.ClientSession(headers={"Authorization": token}, raise_for_status=True) as session,
        session.get(url) as response,
    ):
        body = await response.json()
    return str(body["status"])


async def main() -> None:
    """Looks and logs."""
    url = sys.argv[1]
    status = await look(url, os.environ["LD_ACCESS_TOKEN"])
    log.info("import", url=url, status=status)


if __name__ == "__main__":
    asyncio.run(main())
