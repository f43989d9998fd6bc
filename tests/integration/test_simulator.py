"""The simulator over real sockets: the response to each request of the import API."""

from __future__ import annotations

import asyncio
import json
import time
from io import BytesIO
from typing import TYPE_CHECKING

import aiohttp
import pytest
from yarl import URL

from tests.support.processes import SEGMENT, TOKEN
from tests.support.simulator_client import (
    FROZEN,
    IMPORTS,
    SEMANTIC_PATCH,
    approval,
    client,
    create,
    form,
    read,
    read_until,
)
from watcher.simulator import Limit, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Mapping


async def approve(
    session: aiohttp.ClientSession, body: object, headers: Mapping[str, str] = SEMANTIC_PATCH
) -> tuple[int, dict[str, object]]:
    """Patch the segment, and return the status and body of the response."""
    async with session.patch(SEGMENT, data=json.dumps(body), headers=headers) as response:
        return response.status, await response.json()


def run(main: Coroutine[object, object, None]) -> None:
    """Run a test's body with a timeout."""
    asyncio.run(asyncio.wait_for(main, 20))


def test_create_and_read() -> None:
    """Creating an import returns 204 and its URL, which returns the whole representation."""

    async def main() -> None:
        async with serve(speed=FROZEN) as base_uri, client(base_uri) as session:
            url = await create(session)
            assert url.startswith(f"{base_uri}{IMPORTS}/")
            body = await read(session, url)
        path = url.removeprefix(base_uri)
        assert abs(body.pop("creationTime") - time.time() * 1000) < 20_000  # type: ignore[operator]  # JSON
        assert body == {
            "id": url.rpartition("/")[2],
            "segmentKey": "big-spenders",
            "mode": "replace",
            "status": "preparing",
            "files": [{"filename": "keys.csv", "status": "preparing"}],
            "_links": {
                "self": {"href": path, "type": "application/json"},
                "parent": {"href": SEGMENT, "type": "application/json"},
            },
        }

    run(main())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"file": ""}, "The field file is missing"),
        ({"mode": ""}, "The field mode must be merge or replace, not ''"),
        ({"mode": "append"}, "The field mode must be merge or replace, not 'append'"),
        ({"waitOnApprovals": "maybe"}, "The field waitOnApprovals must be true or false, not 'maybe'"),
    ],
)
def test_an_invalid_form_is_rejected(fields: dict[str, str], message: str) -> None:
    """The message names the field that is missing or invalid."""

    async def main() -> None:
        async with (
            serve() as base_uri,
            client(base_uri) as session,
            session.post(IMPORTS, data=form(**fields)) as response,
        ):
            body = await response.json()
        assert (response.status, body["code"]) == (400, "invalid_request")
        assert body["message"].startswith(message)

    run(main())


@pytest.mark.parametrize(
    "content_type",
    ["text/csv", "multipart/form-data", "multipart/form-data; boundary=other", "multipart/mixed; boundary=x"],
)
def test_a_body_that_is_not_a_form_is_rejected(content_type: str) -> None:
    """A body that is not a well-formed multipart form gets 400, not 500."""

    async def main() -> None:
        headers = {"Content-Type": content_type}
        async with (
            serve() as base_uri,
            client(base_uri) as session,
            session.post(IMPORTS, data=b"--x\r\nnonsense", headers=headers) as response,
        ):
            body = await response.json()
        assert (response.status, body["code"]) == (400, "invalid_request")
        assert "multipart/form-data" in body["message"]

    run(main())


@pytest.mark.parametrize(("size", "status"), [(40_000_000, 204), (40_000_001, 413), (41_000_000, 413)])
def test_a_file_has_at_most_40_megabytes(size: int, status: int) -> None:
    """The largest file is accepted, and a larger one is rejected."""

    async def main() -> None:
        data = form(file="")
        data.add_field("file", BytesIO(bytes(size)), filename="keys.csv")
        async with (
            serve() as base_uri,
            client(base_uri) as session,
            session.post(IMPORTS, data=data) as response,
        ):
            assert response.status == status
            if status == 413:
                assert await response.json() == {
                    "code": "request_entity_too_large",
                    "message": "The field file is larger than 40000000 bytes",
                }

    run(main())


def test_one_import_at_a_time_in_an_environment() -> None:
    """A second import in an environment conflicts until the first is final; other environments are free."""

    async def main() -> None:
        async with serve(speed=FROZEN) as base_uri, client(base_uri) as session:
            await create(session)
            other_segment = "/api/v2/segments/default/production/others/imports"
            async with session.post(other_segment, data=form()) as response:
                assert (response.status, await response.json()) == (
                    409,
                    {
                        "code": "optimistic_locking_error",
                        "message": "Conflict. Optimistic lock error. Try again later.",
                    },
                )
            await create(session, "/api/v2/segments/default/test/big-spenders/imports")
        async with serve(speed=1000) as base_uri, client(base_uri) as session:
            await read_until(session, await create(session), "complete")
            await create(session)

    run(main())


def test_missing_import() -> None:
    """An import exists only under its own keys and its own ID."""

    async def main() -> None:
        async with serve(speed=FROZEN) as base_uri, client(base_uri) as session:
            url = await create(session)
            for missing in (url + "x", url.replace("big-spenders", "others"), url.replace("default", "x")):
                async with session.get(missing) as response:
                    body = await response.json()
                assert response.status == 404
                assert body == {"code": "not_found", "message": "Invalid resource identifier"}

    run(main())


def test_a_segment_shows_whether_an_import_is_in_progress() -> None:
    """Every segment exists; `_importInProgress` is true until the import into it is final."""

    async def main() -> None:
        async with serve(speed=50) as base_uri, client(base_uri) as session:
            url = await create(session)
            assert (await read(session, SEGMENT))["_importInProgress"] is True
            assert (await read(session, f"{SEGMENT}-2"))["_importInProgress"] is False
            await read_until(session, url, "complete")
            assert (await read(session, SEGMENT))["_importInProgress"] is False

    run(main())


@pytest.mark.parametrize(("scenario", "wait"), [("approval", ""), ("happy", "true"), ("stopped", "True")])
def test_approval(scenario: str, wait: str) -> None:
    """An import waits until a semantic patch approves it, and can be approved only once."""

    async def main() -> None:
        async with serve(scenario=scenario, speed=100) as base_uri, client(base_uri) as session:
            url = await create(session, waitOnApprovals=wait)
            await read_until(session, url, "pending_approval")
            await asyncio.sleep(0.15)
            assert (await read(session, url))["status"] == "pending_approval"
            status, segment = await approve(session, approval(url))
            assert (status, segment["key"]) == (200, "big-spenders")
            await read_until(session, url, "stopped" if scenario == "stopped" else "complete")
            assert (await approve(session, approval(url)))[0] == 400

    run(main())


def test_an_invalid_approval_is_rejected() -> None:
    """A patch with one invalid instruction is rejected as a whole, and a dry run changes nothing."""

    async def main() -> None:
        async with serve(scenario="approval", speed=1000) as base_uri, client(base_uri) as session:
            url = await create(session)
            await read_until(session, url, "pending_approval")
            good = approval(url)
            mixed = approval(url, {"kind": "addRule"})
            bodies: tuple[object, ...] = ({}, [], "x", approval("unknown"), mixed)
            for bad in bodies:
                status, body = await approve(session, bad)
                assert (status, body["code"]) == (400, "invalid_request")
            status, body = await approve(session, good, {"Content-Type": "application/json"})
            assert (status, body["code"]) == (400, "invalid_request")
            async with session.patch(f"{SEGMENT}?dryRun=true", json=good, headers=SEMANTIC_PATCH) as response:
                assert response.status == 200
            assert (await read(session, url))["status"] == "pending_approval"

    run(main())


def test_an_import_is_approved_automatically() -> None:
    """With approve_after, a waiting import continues without an approval."""

    async def main() -> None:
        async with (
            serve(scenario="approval", speed=100, approve_after=1) as base_uri,
            client(base_uri) as session,
        ):
            url = await create(session)
            await read_until(session, url, "complete")

    run(main())


@pytest.mark.parametrize(
    ("accepted", "given", "status"),
    [
        (None, "", 401),
        (None, "anything", 200),
        ("api-1", "api-1", 200),
        ("api-1", "api-2", 401),
        ("api-1", "Bearer api-1", 401),
    ],
)
def test_authentication(accepted: str | None, given: str, status: int) -> None:
    """The Authorization header must be the bare token, or any value if the server has none."""

    async def main() -> None:
        async with (
            serve(token=accepted) as base_uri,
            client(base_uri, given) as session,
            session.get(SEGMENT) as response,
        ):
            body = await response.json()
        assert response.status == status
        if status == 401:
            assert body == {"code": "unauthorized", "message": "Invalid account ID header"}

    run(main())


@pytest.mark.parametrize(
    ("token", "status", "body"),
    [
        ("unauthorized-1", 401, {"code": "unauthorized", "message": "invalid access token"}),
        ("invalid_token-1", 401, {"code": "invalid_token", "message": "invalid access token"}),
        ("invalid_key-1", 401, {"code": "unauthorized", "message": "Invalid key"}),
        ("empty-1", 401, None),
        (
            "forbidden-1",
            403,
            {
                "code": "forbidden",
                "message": "Access to the requested resource was denied",
                "reason": {"effect": "deny"},
                "access": {
                    "action": "viewProject",
                    "resource": "proj/default:env/production:segment/big-spenders",
                },
            },
        ),
    ],
)
@pytest.mark.parametrize("accepted", [None, "api-1"])
def test_a_token_can_choose_its_refusal(
    token: str, status: int, body: dict[str, object] | None, accepted: str | None
) -> None:
    """The first word of a token selects one of the API's other refusals."""

    async def main() -> None:
        async with serve(token=accepted) as base_uri, client(base_uri, token) as session:
            async with session.get(f"{SEGMENT}/imports/1") as response:
                received = await response.read()
                assert response.status == status
                assert received == b"" if body is None else json.loads(received) == body
            async with session.delete(SEGMENT) as response:
                assert response.status == 405

    run(main())


def test_an_unknown_route_gets_a_page() -> None:
    """An unknown path gets HTML, whatever the token."""

    async def main() -> None:
        async with serve(token="api-1") as base_uri, client(base_uri) as session:
            for path in ("/", "/api/v2/flags", f"{SEGMENT}/exports/1", "/api/v2/%F0%9F%92%A9"):
                async with session.get(path) as response:
                    assert (response.status, response.content_type) == (404, "text/html")
                    assert "<title>404 Not Found</title>" in await response.text()
                    assert response.headers["Via"] == "1.1 varnish, 1.1 varnish"

    run(main())


def test_a_wrong_method_is_an_error() -> None:
    """A wrong method gets the API's error and the allowed methods."""

    async def main() -> None:
        async with serve() as base_uri, client(base_uri) as session:
            for method, path, allow in (("DELETE", IMPORTS, "POST"), ("PUT", SEGMENT, "GET,PATCH")):
                async with session.request(method, path) as response:
                    body = await response.json()
                assert (response.status, response.headers.get("Allow")) == (405, allow)
                assert body == {"code": "method_not_allowed", "message": "Method Not Allowed"}

    run(main())


def test_headers() -> None:
    """Every response of the API has a date, the proxies in front of it, and a charset with its JSON."""

    async def main() -> None:
        async with serve(speed=FROZEN) as base_uri, client(base_uri) as session:
            url = await create(session)
            for method, target, token in (
                ("POST", IMPORTS, TOKEN),
                ("GET", url, TOKEN),
                ("GET", f"{url}x", TOKEN),
                ("GET", SEGMENT, TOKEN),
                ("GET", SEGMENT, ""),
            ):
                async with session.request(method, target, headers={"Authorization": token}) as response:
                    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
                    assert response.headers["Via"] == "1.1 varnish, 1.1 varnish"
                    assert response.headers["Date"].endswith(" GMT")
                    assert "Server" not in response.headers

    run(main())


@pytest.mark.parametrize("encoded", ["a%20b", "x%252Fy", "x%2Fy", "%7Bbraces%7D", "%C3%BC", "100%25"])
def test_keys_are_decoded_once(encoded: str) -> None:
    """A percent-encoded key is decoded once in the body and kept as it is in the import's URL."""

    async def main() -> None:
        path = f"/api/v2/segments/default/production/{encoded}/imports"
        async with serve(speed=FROZEN) as base_uri, client(base_uri) as session:
            async with session.post(URL(base_uri + path, encoded=True), data=form()) as response:
                url = response.headers["Location"]
            assert url.startswith(base_uri + path)
            body = await read(session, URL(url, encoded=True))
        once = {"a%20b": "a b", "x%252Fy": "x%2Fy", "x%2Fy": "x/y", "%7Bbraces%7D": "{braces}", "%C3%BC": "ü"}
        assert body["segmentKey"] == once.get(encoded, "100%")

    run(main())


def test_rate_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Responses show the limit, 429 follows beyond it, and a request without a token does not count."""
    now = 1_700_000_003.0
    monkeypatch.setattr("time.time", lambda: now)

    async def main() -> None:
        nonlocal now
        seen = []
        async with serve(rate_limit=2) as base_uri, client(base_uri) as session:
            for _ in range(3):
                async with session.get(SEGMENT) as response:
                    limit = response.headers["X-Ratelimit-Global-Limit"]
                    remaining = response.headers["X-Ratelimit-Global-Remaining"]
                    seen.append((response.status, limit, remaining, response.headers["X-Ratelimit-Reset"]))
                    body = await response.json()
            async with session.get(SEGMENT, headers={"Authorization": ""}) as response:
                assert response.status == 401
                assert "X-Ratelimit-Global-Limit" not in response.headers
            now += 7
            async with session.get(SEGMENT) as response:
                assert response.status == 200
        reset = "1700000010000"
        assert seen == [(200, "2", "1", reset), (200, "2", "0", reset), (429, "2", "0", reset)]
        assert (body["code"], body["message"]) == (
            "rate_limited",
            "You've exceeded the API rate limit. Try again later.",
        )

    run(main())


def test_rate_limits_by_route_and_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Responses have exactly the headers of the enforced limits; all tokens share the limit of a route."""
    names = {
        "x-ratelimit-route-limit",
        "x-ratelimit-route-remaining",
        "x-ratelimit-reset",
        "x-ratelimit-auth-token-limit",
        "x-ratelimit-auth-token-remaining",
        "x-ratelimit-auth-token-reset",
    }

    async def main() -> None:
        seen = []
        async with (
            serve(rate_limit={Limit.ROUTE: 2, Limit.TOKEN: 9}) as base_uri,
            client(base_uri) as session,
        ):
            for path, token in ((SEGMENT, "a"), (f"{SEGMENT}2", "b"), (SEGMENT, "a"), (f"{IMPORTS}/1", "a")):
                async with session.get(path, headers={"Authorization": token}) as response:
                    headers = {name.lower(): value for name, value in response.headers.items()}
                assert {name for name in headers if name.startswith("x-ratelimit")} == names
                left = headers["x-ratelimit-route-remaining"], headers["x-ratelimit-auth-token-remaining"]
                seen.append((response.status, *left))
        assert seen == [(200, "1", "8"), (200, "0", "8"), (429, "0", "8"), (404, "1", "7")]

    monkeypatch.setattr("time.time", lambda: 1_700_000_003.0)
    run(main())


def test_there_is_no_rate_limit_by_default() -> None:
    """Without a limit, responses have no rate-limit headers, but have the server's date."""

    async def main() -> None:
        async with serve() as base_uri, client(base_uri) as session, session.get(SEGMENT) as response:
            assert not [name for name in response.headers if name.lower().startswith("x-ratelimit")]
            assert response.headers["Date"].endswith(" GMT")

    run(main())


def test_shuts_down_at_once() -> None:
    """Neither an idle connection nor an endless upload delays the shutdown."""

    async def endless() -> AsyncIterator[bytes]:
        yield b"--x\r\n"
        await asyncio.sleep(60)

    async def main() -> None:
        async with aiohttp.ClientSession(headers={"Authorization": "x"}) as session:
            async with serve() as base_uri:
                async with session.get(base_uri + SEGMENT) as response:
                    await response.read()
                headers = {"Content-Type": "multipart/form-data; boundary=x"}
                upload = asyncio.create_task(
                    session.post(base_uri + IMPORTS, data=endless(), headers=headers)
                )
                await asyncio.sleep(0.05)
                began = time.monotonic()
            assert time.monotonic() - began < 10
            with pytest.raises(aiohttp.ClientError):
                await upload
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(base_uri + SEGMENT)

    run(main())


def test_a_port_in_use_is_an_error() -> None:
    """A second server on the same port fails, and the first keeps running."""

    async def main() -> None:
        async with serve() as base_uri, client(base_uri) as session:
            with pytest.raises(OSError, match="address already in use"):
                async with serve(port=int(base_uri.rpartition(":")[2])):
                    pass
            await read(session, SEGMENT)

    run(main())


def test_a_client_that_does_not_speak_http_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A malformed request gets 400 and no log record."""

    async def main() -> None:
        async with serve() as base_uri:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(base_uri.rpartition(":")[2]))
            writer.write(b"GET / HTTP/9.x\r\n\r\n")
            assert b" 400 " in await reader.readline()
            writer.close()
            await writer.wait_closed()

    run(main())
    assert not caplog.records
