"""The simulator's scenarios over real sockets: which response each read of an import gets."""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.support.simulator_client import FROZEN, client, create
from tests.support.stepping import SteppedClock
from watcher.simulator import SCENARIOS, serve

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUSES = {stage.status for stage in SCENARIOS["flaky"].stages}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SteppedClock:
    """Return the clock of the imports."""
    return SteppedClock(monkeypatch)


@dataclass(frozen=True)
class Answer:
    """The result of one read.

    Attributes:
        what: The import's status, the HTTP status, or the name of the client's exception.
        headers: The response headers.
        received: Unix time of the response, in seconds.
        body: The response body.
    """

    what: str
    headers: Mapping[str, str]
    received: float
    body: bytes = b""


async def read(session: aiohttp.ClientSession, url: str) -> Answer:
    """Read an import once."""
    try:
        async with session.get(url, allow_redirects=False) as response:
            body = await response.read()
            what = str(response.status)
            if response.status == 200 and response.content_type == "application/json":
                what = (await response.json())["status"]
    except aiohttp.ClientError as error:
        return Answer(type(error).__name__, {}, time.time())
    assert (response.content_type == "text/html") == body.startswith(b"<")
    return Answer(what, response.headers, time.time(), body)


def title(body: bytes) -> str:
    """Return the title of a page; an empty string if it has none."""
    match = re.search(r"<title>(.*)</title>", body.decode())
    return match[1] if match else ""


async def read_times(scenario: str, count: int, speed: float) -> list[Answer]:
    """Create an import and read it `count` times without a pause."""
    async with (
        serve(scenario=scenario, speed=speed) as base_uri,
        client(base_uri) as session,
    ):
        url = await create(session)
        return [await read(session, url) for _ in range(count)]


async def read_until(scenario: str, last: str, clock: SteppedClock) -> list[str]:
    """Create an import, read it every half second until the last answer; do not repeat an answer."""
    seen: list[str] = []
    async with (
        serve(scenario=scenario, speed=FROZEN) as base_uri,
        client(base_uri) as session,
    ):
        url = await create(session)
        while last not in seen:
            answer = await read(session, url)
            if not seen or seen[-1] != answer.what:
                seen.append(answer.what)
            clock.step(0.5)
    return seen


@pytest.mark.parametrize(
    ("scenario", "answers"),
    [
        ("happy", ["preparing", "ready", "in_progress", "complete"]),
        ("stopped", ["preparing", "ready", "in_progress", "stopped"]),
        ("stuck", ["preparing", "ready", "in_progress"]),
        ("vanish", ["preparing", "ready", "404"]),
        ("unknown-status", ["preparing", "validating", "ready", "in_progress", "complete"]),
        ("approval", ["preparing", "pending_approval"]),
    ],
)
def test_answers_in_order(clock: SteppedClock, scenario: str, answers: list[str]) -> None:
    """A client that polls fast sees every status of a scenario without faults, in order."""
    assert asyncio.run(read_until(scenario, answers[-1], clock)) == answers


def test_throttled() -> None:
    """Four reads in a row get 429, each with different headers."""
    answers = asyncio.run(read_times("throttled", 7, FROZEN))
    assert [answer.what for answer in answers] == ["preparing", *["429"] * 4, "preparing", "preparing"]
    names = ("X-Ratelimit-Global-Remaining", "X-Ratelimit-Auth-Token-Remaining", "Retry-After")
    assert [[answer.headers.get(name) for name in names] for answer in answers[1:5]] == [
        [None, None, None],
        ["0", None, None],
        [None, "0", None],
        [None, None, "1"],
    ]
    for answer, name in zip(answers[2:4], ("X-Ratelimit-Reset", "X-Ratelimit-Auth-Token-Reset"), strict=True):
        assert 0 < int(answer.headers[name]) / 1000 - answer.received <= 1.001


def test_flaky() -> None:
    """Each fault comes once, at its own read, with good answers in between.

    This client sees the two drops as one, because it silently repeats a GET once.
    """
    answers = asyncio.run(read_times("flaky", 13, 50))
    whats = ["good" if answer.what in STATUSES else answer.what for answer in answers]
    assert whats == [
        "good",
        "500",
        "502",
        "good",
        "ServerDisconnectedError",
        "ClientPayloadError",
        "good",
        "503",
        "200",
        *["good"] * 4,
    ]
    assert answers[7].headers["Retry-After"] == "1"
    assert answers[9].received - answers[8].received >= 0.04


def test_gateway() -> None:
    """A firewall and a redeploy get in the way with pages of their own, and then the import is readable."""
    answers = asyncio.run(read_times("gateway", 11, 50))
    seen = [
        (one.what, one.headers.get("Server"), title(one.body)) for one in answers if one.what not in STATUSES
    ]
    blocked = ("403", "cloudflare", "Just a moment...")
    missing = ("404", "nginx", "404 Not Found")
    assert seen == [
        blocked,
        missing,
        missing,
        ("502", "nginx", "502 Bad Gateway"),
        ("503", "nginx", ""),
        ("302", "nginx", "302 Found"),
        blocked,
        blocked,
    ]
    assert [number for number, one in enumerate(answers, 1) if one.what in STATUSES] == [2, 10, 11]
    assert answers[6].headers["Location"].startswith("https://login.example/?return_to=%2Fapi%2Fv2%2F")
    assert all("Via" not in one.headers for one in answers if one.what not in STATUSES)


def test_the_gateway_recovers(clock: SteppedClock) -> None:
    """A client that keeps reading through the gateway sees the import complete."""
    assert asyncio.run(read_until("gateway", "complete", clock))[-1] == "complete"


@pytest.mark.parametrize("scenario", ["gateway", "happy"])
def test_the_form_of_location(scenario: str) -> None:
    """`Location` is a path in the scenario `gateway`, and a URL in others."""

    async def main() -> None:
        async with serve(scenario=scenario) as base_uri, client(base_uri) as session:
            location = await create(session)
            assert location.startswith("/api/v2/" if scenario == "gateway" else f"{base_uri}/api/v2/")

    asyncio.run(main())


@pytest.mark.parametrize(("scenario", "number"), [("flaky", 4), ("gateway", 2)])
def test_unusual_optional_fields(scenario: str, number: int) -> None:
    """One read gets the creation time as a string of digits, no list of files, and a link without keys."""
    *_, answer = asyncio.run(read_times(scenario, number, FROZEN))
    body = json.loads(answer.body)
    assert (body["status"], body["files"], body["_links"]) == ("preparing", None, {"self": {}})
    assert body["creationTime"].isdigit()


def test_gateways_do_not_add_rate_limit_headers() -> None:
    """A page of a gateway has no rate-limit headers, and an error of the API has them."""

    async def main() -> None:
        async with serve(scenario="flaky", rate_limit=50) as base_uri, client(base_uri) as session:
            url = await create(session)
            answers = [await read(session, url) for _ in range(3)]
        limits = [answer.headers.get("X-Ratelimit-Global-Limit") for answer in answers]
        assert [answer.what for answer in answers] == ["preparing", "500", "502"]
        assert limits == ["50", "50", None]

    asyncio.run(main())


def test_server_errors_of_the_api() -> None:
    """500 and 503 have the API's JSON, and 500 an ID for support."""
    answers = asyncio.run(read_times("flaky", 8, FROZEN))
    internal, unavailable = (json.loads(answers[index].body) for index in (1, 7))
    assert internal.keys() == {"code", "message", "id"}
    assert unavailable == {"code": "service_unavailable", "message": "Requested service unavailable"}


def test_faults_are_counted_for_each_import() -> None:
    """Two imports that are read alternately meet their faults independently."""

    async def main() -> None:
        async with (
            serve(scenario="flaky", speed=5000) as base_uri,
            client(base_uri) as session,
        ):
            first = await create(session)
            await asyncio.sleep(0.01)
            second = await create(session)
            answers = [(await read(session, url)).what for url in (first, second, first, second)]
            assert answers[2:] == ["500", "500"]

    asyncio.run(main())


def test_demo(clock: SteppedClock) -> None:
    """A client that polls once a second sees every status of the demo, one 429 and one other fault."""

    async def main() -> None:
        answers: list[Answer] = []
        async with (
            serve(scenario="demo", speed=FROZEN) as base_uri,
            client(base_uri) as session,
        ):
            url = await create(session)
            while not answers or answers[-1].what != "complete":
                answers.append(await read(session, url))
                clock.step(1)
        whats = [answer.what for answer in answers]
        assert list(dict.fromkeys(what for what in whats if not what.isdigit())) == [
            "preparing",
            "pending_approval",
            "ready",
            "in_progress",
            "complete",
        ]
        assert [what for what in whats if what.isdigit()] == ["502", "429"]
        throttled = answers[whats.index("429")]
        assert throttled.headers["Retry-After"] == "1"
        page = answers[whats.index("502")]
        assert (page.headers["Server"], title(page.body)) == ("nginx", "502 Bad Gateway")

    asyncio.run(main())
