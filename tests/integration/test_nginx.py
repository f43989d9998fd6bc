"""Tests with a real nginx as gateway: its `limit_req` in front of the simulator."""

from __future__ import annotations

import asyncio
import json
import re
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

_IN_TRANSIT = 0.03
"""Seconds that a request may take to nginx: it may have been sent before the refusal was read."""

_CLOCK_STEP = 0.005
"""Resolution of the times in nginx's log in seconds."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """The configuration of one nginx and of the watch behind it.

    Attributes:
        refusal: The HTTP status of a refused request; the body is an HTML page.
        retry_after: The value of `Retry-After` with a 429; empty for no such header.
        rate: Requests per second that pass.
        burst: Requests that may exceed the rate.
        imports: Number of imports to watch.
        options: Options of the watch.
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
    "several imports": Gateway(
        retry_after="1", rate=4, burst=3, imports=4, options=("--log-format", "json", "--output", "text")
    ),
}


@dataclass(frozen=True, slots=True)
class Served:
    """One request in nginx's log; times are Unix seconds."""

    began: float
    ended: float
    refused: bool


@dataclass(frozen=True, slots=True)
class Passage:
    """The result of one watch through nginx."""

    run: Run
    served: tuple[Served, ...]

    @property
    def refused(self) -> list[Served]:
        """The requests that exceeded the limit."""
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
    """Create an import directly at the API and return its target."""
    segment = f"default/{environment}/big-spenders"
    async with client(api, TOKEN) as session:
        url = await create(session, f"/api/v2/segments/{segment}/imports")
    return f"{segment}/{url.rpartition('/')[2]}"


async def approve_once_refused(api: str, targets: list[str], log: Path) -> None:
    """Approve the imports once nginx has refused a request, so that no watch ends before that."""
    while log.read_text("ascii").count(REFUSED) == 0:  # noqa: ASYNC110, ASYNC240 (nginx writes a few lines)
        await asyncio.sleep(0.05)
    async with client(api, TOKEN) as session:
        for target in targets:
            path = f"/api/v2/segments/{target.rpartition('/')[0]}"
            async with session.patch(path, json=approval(target), headers=SEMANTIC_PATCH) as approved:
                assert approved.status == 200


async def pass_through(gateway: Gateway, directory: Path) -> Passage:
    """Watch imports through nginx until they are complete."""
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
    """Return the results of all gateways, which run concurrently."""

    async def run() -> list[Passage]:
        return await asyncio.gather(
            *(pass_through(one, tmp_path_factory.mktemp("gateway")) for one in GATEWAYS.values())
        )

    return dict(zip(GATEWAYS, asyncio.run(run()), strict=True))


def earliest_after(passage: Passage, refused_at: float, in_transit: float = 0.0) -> float:
    """Return the seconds from a refusal to the next request; infinite if there was none."""
    waits = [one.began - refused_at for one in passage.served]
    return min((wait for wait in waits if wait > in_transit), default=float("inf"))


def test_retry_after(passages: Mapping[str, Passage]) -> None:
    """After a 429 with `Retry-After: 1` no request is sent within that second."""
    passage = passages["429 with Retry-After"]
    assert passage.run.code == 0, passage.run.err
    assert passage.refused
    for refusal in passage.refused:
        assert earliest_after(passage, refusal.ended) >= 1 - _CLOCK_STEP
    events = [json.loads(line) for line in passage.run.err.splitlines()]
    assert len([event for event in events if event["event"] == "throttled"]) == len(passage.refused)


def test_no_retry_after(passages: Mapping[str, Passage]) -> None:
    """After a 429 without `Retry-After` the next request is sent one to two seconds later."""
    passage = passages["429"]
    assert passage.run.code == 0, passage.run.err
    assert passage.refused
    for refusal in passage.refused:
        assert earliest_after(passage, refusal.ended) >= 1 - _CLOCK_STEP


def test_503_page(passages: Mapping[str, Passage]) -> None:
    """A 503 page, nginx's default, is a fault that is retried."""
    passage = passages["503"]
    assert passage.run.code == 0, passage.run.err
    assert passage.refused
    assert re.search(r"warning: 127\.0\.0\.1:\d+ responded with HTTP 503 from nginx", passage.run.err)


def test_an_outage_of_503_pages(passages: Mapping[str, Passage]) -> None:
    """503 pages for longer than the outage budget end the watch with 75."""
    passage = passages["503 for long"]
    assert passage.run.code == 75, passage.run.err


def test_several_imports(passages: Mapping[str, Passage]) -> None:
    """Imports in one watch share a refusal: none of them is polled within that second."""
    passage = passages["several imports"]
    assert passage.run.code == 0, passage.run.err
    assert len(passage.run.out.splitlines()) == 4
    assert passage.refused
    events = [json.loads(line) for line in passage.run.err.splitlines()]
    # The time when the watch read the response: on a busy machine it may be later than nginx sent it.
    moments = [datetime.fromisoformat(event["at"]) for event in events if event["event"] == "throttled"]
    assert len(moments) == len(passage.refused)
    # Likewise, a request may be as late at nginx as a response is at the watch.
    sent = sorted(refusal.ended for refusal in passage.refused)
    read = sorted(moment.timestamp() for moment in moments)
    in_transit = _IN_TRANSIT + max(after - before for before, after in zip(sent, read, strict=True))
    for moment in read:
        assert earliest_after(passage, moment, in_transit) >= 1 - _CLOCK_STEP
