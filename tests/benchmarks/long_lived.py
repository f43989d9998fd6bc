"""Compare separate waits with a shared `Watcher`: `python -m tests.benchmarks.long_lived`.

Each of 200 imports is waited for by a task of its own, as in Airflow's triggerer. The server is in the same
process and allows 40 requests in each window of ten seconds. A comparison takes a few minutes of real time.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from random import Random
from typing import TYPE_CHECKING, Final

import click
from aiohttp import web

import watcher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

WINDOW: Final = 10
LIMIT: Final = 40
WAITS: Final = 200
LIFE: Final = (20.0, 120.0)
"""Shortest and longest seconds from the start to an import's final status."""

MOST_REFUSED: Final = 0.03
MOST_CONNECTIONS: Final = 30
LONGEST_DELAY: Final = 90.0
"""The goals: share of refused requests, open connections, and seconds from a final status to its report."""


@dataclass(slots=True)
class Server:
    """LaunchDarkly's API with an account limit.

    Attributes:
        ends: When each import is complete, on the monotonic clock in seconds.
    """

    limit: int
    ends: dict[str, float]
    requests: int = 0
    refused: int = 0
    most_connections: int = 0
    _window: int = -1
    _used: int = 0
    _server: web.Server | None = field(default=None, init=False)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve on loopback, and yield the base URI."""
        self._server = web.Server(self._serve)
        runner = web.ServerRunner(self._server)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield site.name
        finally:
            await runner.cleanup()

    async def _serve(self, request: web.BaseRequest) -> web.Response:
        assert self._server is not None
        self.most_connections = max(self.most_connections, len(self._server.connections))
        self.requests += 1
        await asyncio.sleep(0.1)  # a round trip
        now = time.time()
        window = int(now // WINDOW)
        if window != self._window:
            self._window, self._used = window, 0
        is_refused = self._used >= self.limit
        self.refused += is_refused
        self._used += not is_refused
        headers = {
            "Date": formatdate(now, usegmt=True),
            "X-Ratelimit-Global-Limit": str(self.limit),
            "X-Ratelimit-Global-Remaining": str(self.limit - self._used),
            "X-Ratelimit-Reset": str((window + 1) * WINDOW * 1000),
        }
        if is_refused:
            body = {"code": "rate_limited", "message": "You've exceeded the API rate limit. Try again later."}
            return web.json_response(body, status=429, headers=headers)
        import_id = request.path.rpartition("/")[2]
        status = "complete" if time.monotonic() >= self.ends[import_id] else "in_progress"
        body = {"id": import_id, "segmentKey": "big-spenders", "mode": "merge", "status": status}
        return web.json_response(body, headers=headers)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one way of waiting cost and reached; delays are in seconds from a final status to its report."""

    name: str
    requests: int
    refused: float
    connections: int
    mean_delay: float
    longest_delay: float

    @property
    def meets_goals(self) -> bool:
        """Whether it meets the goals."""
        return (
            self.refused <= MOST_REFUSED
            and self.connections <= MOST_CONNECTIONS
            and self.longest_delay <= LONGEST_DELAY
        )


async def measure(name: str, *, shared: bool, waits: int, limit: int, life: tuple[float, float]) -> Figures:
    """Wait for imports in as many tasks, separately or with one shared `Watcher`."""
    random, began = Random(1), time.monotonic()
    server = Server(limit, {str(number): began + random.uniform(*life) for number in range(waits)})
    async with server.serving() as base_uri:

        async def wait(import_id: str) -> float:
            ref = watcher.ImportRef("default", "production", "big-spenders", import_id)
            if shared:
                async with watcher.shared(token="api-benchmark", base_uri=base_uri) as one:
                    await one.wait(ref)
            else:
                await watcher.wait(ref, token="api-benchmark", base_uri=base_uri)
            return time.monotonic() - server.ends[import_id]

        delays = await asyncio.gather(*map(wait, server.ends))
    return Figures(
        name=name,
        requests=server.requests,
        refused=server.refused / server.requests,
        connections=server.most_connections,
        mean_delay=sum(delays) / len(delays),
        longest_delay=max(delays),
    )


def as_markdown(rows: Iterable[Figures]) -> str:
    """Return a Markdown table."""
    lines = [
        "| waits | requests | refused | connections | mean delay | longest delay |",
        "| :-- | --: | --: | --: | --: | --: |",
    ]
    lines += [
        f"| {row.name} | {row.requests} | {row.refused:.1%} | {row.connections} "
        f"| {row.mean_delay:.1f} s | {row.longest_delay:.1f} s |"
        for row in rows
    ]
    return "\n".join(lines)


@click.command(context_settings={"show_default": True})
@click.option("--waits", default=WAITS, type=click.IntRange(min=1), help="Number of imports and tasks.")
@click.option("--limit", default=LIMIT, type=click.IntRange(min=1), help="Requests in ten seconds.")
@click.option("--longest", default=LIFE[1], type=click.FloatRange(min=1), help="Longest life in seconds.")
def main(*, waits: int, limit: int, longest: float) -> None:
    """Compare separate waits with a shared `Watcher`, and exit with 1 if the latter misses a goal."""
    life = (min(LIFE[0], longest / 2), longest)
    separate = asyncio.run(measure("separate `wait()`", shared=False, waits=waits, limit=limit, life=life))
    together = asyncio.run(measure("`shared()`", shared=True, waits=waits, limit=limit, life=life))
    click.echo(as_markdown([separate, together]))
    if not together.meets_goals:
        raise SystemExit(1)


if __name__ == "__main__":
    main(prog_name="python -m tests.benchmarks.long_lived")
