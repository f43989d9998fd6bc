"""Run 200 triggers in one event loop under a limit of 40 requests in ten seconds, and print figures."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Self

import aiohttp

from tests.support.simulator_client import form
from watcher.airflow.triggers import LaunchDarklyImportTrigger
from watcher.core.policy import Policy
from watcher.simulator import Limit, serve

TRIGGERS = 200
LIMIT = 40
LIFE = 100.0
"""Seconds that each import takes."""

_ESTABLISHED = "01"


class Server:
    """A simulator in a thread; each token has the limit, so that creating imports uses up nothing."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.base_uri = ""
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._run()))

    def __enter__(self) -> Self:
        """Start it."""
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()
        self._loop.close()

    async def _run(self) -> None:
        speed = 10 / LIFE  # the scenario takes ten seconds at speed 1
        async with serve(
            rate_limit={Limit.TOKEN: LIMIT}, speed=speed, log=self.lines.append
        ) as self.base_uri:
            self._listening.set()
            await self._ended.wait()


async def create(base_uri: str) -> dict[str, float]:
    """Return the URLs of new imports and when each will be complete, on the monotonic clock."""
    complete_at = {}
    async with aiohttp.ClientSession(base_uri) as session:
        for number in range(TRIGGERS):
            path = f"/api/v2/segments/default/environment-{number}/big-spenders/imports"
            headers = {"Authorization": f"api-creator-{number}"}
            async with session.post(path, data=form(), headers=headers) as response:
                complete_at[response.headers["Location"]] = time.monotonic() + LIFE
    return complete_at


async def delay(url: str, complete_at: float) -> float:
    """Run the trigger of one import, and return how many seconds after its end the event fired."""
    trigger = LaunchDarklyImportTrigger(
        targets=[url], launchdarkly_conn_id="launchdarkly_default", policy=Policy().to_dict()
    )
    (event,) = [event async for event in trigger.run()]
    (result,) = event.payload["ended"].values()
    if result["outcome"] != "complete":
        raise RuntimeError(f"{url} is {result['outcome']}")
    return time.monotonic() - complete_at


async def count_connections(port: int, most: list[int]) -> None:
    """Note the largest number of connections to a local port."""
    while True:
        rows = [row.split() for row in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]  # noqa: ASYNC240 (it is in memory)
        peers = [row[2].partition(":")[2] for row in rows if row[3] == _ESTABLISHED]
        most.append(sum(int(peer, 16) == port for peer in peers))
        await asyncio.sleep(0.25)


async def measure(server: Server) -> dict[str, float]:
    """Return the figures."""
    complete_at = await create(server.base_uri)
    created, most = len(server.lines), [0]
    counting = asyncio.create_task(count_connections(int(server.base_uri.rpartition(":")[2]), most))
    began = time.monotonic()
    delays = await asyncio.gather(*(delay(url, at) for url, at in complete_at.items()))
    counting.cancel()
    requests = server.lines[created:]
    return {
        "seconds": time.monotonic() - began,
        "requests": len(requests),
        "refused": sum(" 429 " in f"{line} " for line in requests),
        "connections": max(most),
        "latest": max(delays),
    }


if __name__ == "__main__":
    with Server() as one:
        connection = {"conn_type": "launchdarkly", "host": one.base_uri, "password": "api-triggers"}
        os.environ["AIRFLOW_CONN_LAUNCHDARKLY_DEFAULT"] = json.dumps(connection)
        sys.stdout.write(f"FIGURES {json.dumps(asyncio.run(measure(one)))}\n")
