"""A real nginx with `limit_req` in front of the simulator, as a gateway would stand before LaunchDarkly."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from tests.support.fault_program import Run, run_program
from tests.support.nginx import PROGRAM, running_nginx
from tests.support.processes import TOKEN
from tests.support.simulator_client import SEMANTIC_PATCH, approval, client, create
from watcher.simulator import serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="nginx is not installed")

# `$retry_after` is empty, and so not sent, on anything but a 429.
_HTTP = """
  log_format moments '{{"ended": $msec, "took": $request_time, "refused": $refused}}';
  access_log access.log moments;
  limit_req_zone $binary_remote_addr zone=api:1m rate={rate}r/s;
  map $status $retry_after {{ 429 "{retry_after}"; }}
  map $limit_req_status $refused {{ default false; REJECTED true; }}
"""
_SERVER = """
    location / {{
      limit_req zone=api {burst};
      limit_req_status {refusal};
      add_header Retry-After $retry_after always;
      proxy_pass {api};
    }}
"""

REFUSED = '"refused": true'

_IN_THE_AIR = 0.03
"""Seconds that a request takes from the watch to nginx, so that it may have been sent before a refusal."""

_CLOCK_STEP = 0.005
"""How coarse the moments in nginx's log are, in seconds."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """What one nginx does.

    Attributes:
        refusal: The status that it refuses with, and an HTML page of its own.
        retry_after: What it sends as `Retry-After` with a 429; nothing if empty.
        rate: Requests a second that pass.
        burst: Requests that pass beyond that.
        imports: How many imports are watched through it.
        options: The options of the watch.
    """

    refusal: int = 429
    retry_after: str = ""
    rate: int = 1
    burst: int = 1
    imports: int = 1
    options: tuple[str, ...] = ()


GATEWAYS = {
    "429 with Retry-After": Gateway(retry_after="1", options=("--log-format", "json")),
    "429": Gateway(),
    "503": Gateway(refusal=503, rate=2, options=("--outage-budget", "15s")),
    "503 for long": Gateway(refusal=503, burst=0, options=("--outage-budget", "300ms")),
    "several imports": Gateway(retry_after="1", rate=4, burst=3, imports=4, options=("--log-format", "json")),
}


@dataclass(frozen=True, slots=True)
class Served:
    """One request in nginx's log: when it came when it was answered, and how; in Unix seconds."""

    began: float
    ended: float
    refused: bool


@dataclass(frozen=True, slots=True)
class Passage:
    """What came of one watch through nginx."""

    run: Run
    served: tuple[Served, ...]

    @property
    def refused(self) -> list[Served]:
        """The requests that met the limit."""
        return [one for one in self.served if one.refused]


@contextmanager
def nginx(gateway: Gateway, api: str, directory: Path) -> Iterator[str]:
    """Run nginx in front of an API, and yield its base URI."""
    http = _HTTP.format(rate=gateway.rate, retry_after=gateway.retry_after)
    burst = f"burst={gateway.burst} nodelay" if gateway.burst else ""
    server = _SERVER.format(burst=burst, refusal=gateway.refusal, api=api)
    with running_nginx(directory, http=http, server=server) as base_uri:
        yield base_uri


async def create_import(api: str, environment: str) -> str:
    """Create an import without nginx, and return its four keys."""
    segment = f"default/{environment}/big-spenders"
    async with client(api, TOKEN) as session:
        url = await create(session, f"/api/v2/segments/{segment}/imports")
    return f"{segment}/{url.rpartition('/')[2]}"


async def approve_once_refused(api: str, targets: list[str], log: Path) -> None:
    """Lets imports go on when nginx has refused one, so that no watch ends before it has met the limit."""
    while log.read_text("ascii").count(REFUSED) == 0:  # noqa: ASYNC110, ASYNC240 (nginx writes a few lines)
        await asyncio.sleep(0.05)
    async with client(api, TOKEN) as session:
        for target in targets:
            path = f"/api/v2/segments/{target.rpartition('/')[0]}"
            async with session.patch(path, json=approval(target), headers=SEMANTIC_PATCH) as approved:
                assert approved.status == 200


async def pass_through(gateway: Gateway, directory: Path) -> Passage:
    """Watches imports through nginx to their end."""
    log = directory / "access.log"
    async with serve(scenario="approval", speed=20, token=TOKEN) as api:
        with nginx(gateway, api, directory) as base_uri:
            targets = [await create_import(api, f"environment-{n}") for n in range(gateway.imports)]
            approving = asyncio.create_task(approve_once_refused(api, targets, log))
            run = await run_program(base_uri, *targets[1:], *gateway.options, target=targets[0])
            approving.cancel()
            with suppress(asyncio.CancelledError):
                await approving
    entries = [json.loads(line) for line in log.read_text("ascii").splitlines()]
    served = [Served(one["ended"] - one["took"], one["ended"], one["refused"]) for one in entries]
    return Passage(run, tuple(sorted(served, key=lambda one: one.began)))


@pytest.fixture(scope="module")
def passages(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Passage]:
    """Passes through all gateways side by side: most of what happens there is wait."""

    async def run() -> list[Passage]:
        return await asyncio.gather(
            *(pass_through(one, tmp_path_factory.mktemp("gateway")) for one in GATEWAYS.values())
        )

    return dict(zip(GATEWAYS, asyncio.run(run()), strict=True))


def earliest_after(passage: Passage, refused_at: float, in_the_air: float = 0.0) -> float:
    """Tells how long after a refusal the next request came; infinity where none did."""
    waits = [one.began - refused_at for one in passage.served]
    return min((wait for wait in waits if wait > in_the_air), default=float("inf"))


def test_retry_after(passages: Mapping[str, Passage]) -> None:
    """After a 429 with `Retry-After: 1`, no request comes within that second, and the end is still found."""
    passage = passages["429 with Retry-After"]
    assert passage.run.code == 0, passage.run.err
    assert passage.refused
    for refusal in passage.refused:
        assert earliest_after(passage, refusal.ended) >= 1 - _CLOCK_STEP
    events = [json.loads(line) for line in passage.run.err.splitlines()]
    assert len([event for event in events if event["event"] == "throttled"]) == len(passage.refused)


def test_no_retry_after(passages: Mapping[str, Passage]) -> None:
    """A 429 page that names no moment is followed by one to two seconds of rest."""
    passage = passages["429"]
    assert passage.run.code == 0, passage.run.err
    assert passage.refused
    for refusal in passage.refused:
        assert earliest_after(passage, refusal.ended) >= 1 - _CLOCK_STEP


def test_503_page(passages: Mapping[str, Passage]) -> None:
    """Nginx's own default, a 503 page, is a fault like any other, and passes."""
    passage = passages["503"]
    assert passage.run.code == 0, passage.run.err
    assert passage.refused
    assert "the server answered HTTP 503" in passage.run.err


def test_an_outage_of_503_pages(passages: Mapping[str, Passage]) -> None:
    """503 pages for longer than the outage budget are 75."""
    passage = passages["503 for long"]
    assert passage.run.code == 75, passage.run.err


def test_several_imports(passages: Mapping[str, Passage]) -> None:
    """Imports watched together share the refusals: after one, none of them asks within the second."""
    passage = passages["several imports"]
    assert passage.run.code == 0, passage.run.err
    assert len(passage.run.out.splitlines()) == 4
    assert passage.refused
    events = [json.loads(line) for line in passage.run.err.splitlines()]
    # When the watch read them: a busy machine may take a while from nginx's answer to there.
    moments = [datetime.fromisoformat(event["at"]) for event in events if event["event"] == "throttled"]
    assert len(moments) == len(passage.refused)
    for moment in moments:
        assert earliest_after(passage, moment.timestamp(), _IN_THE_AIR) >= 1 - _CLOCK_STEP
