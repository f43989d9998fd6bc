"""Tests of access tokens from a function of the program."""

from __future__ import annotations

import asyncio

import pytest

from watcher.api.token_sources import TokenError, TokenFunction


class Vault:
    """Return the given tokens in turn, each after a pause, and count the calls."""

    def __init__(self, *tokens: object) -> None:
        self._tokens = list(tokens)
        self.calls = 0

    async def read(self) -> str:
        """Return the next token, or raise it if it is an error."""
        self.calls += 1
        await asyncio.sleep(0)
        token = self._tokens.pop(0) if len(self._tokens) > 1 else self._tokens[0]
        if isinstance(token, Exception):
            raise token
        return token  # type: ignore[return-value]  # wrong on purpose in one test


def test_requests_at_the_same_time_need_one_call() -> None:
    """The first requests share one call, and later ones need none."""

    async def run() -> list[str]:
        vault = Vault("api-1")
        tokens = TokenFunction(vault.read)
        secrets = await asyncio.gather(*(tokens.get() for _ in range(10)))
        secrets.append(await tokens.get())
        assert vault.calls == 1
        return [secret.reveal() for secret in secrets]

    assert asyncio.run(run()) == ["api-1"] * 11


@pytest.mark.parametrize(("second", "is_replaced"), [("api-2", True), ("api-1", False)])
def test_many_401s_need_one_call(second: str, *, is_replaced: bool) -> None:
    """All 401s to one token share one call, even if the function returns the same token again."""

    async def run() -> list[bool]:
        vault = Vault("api-1", second)
        tokens = TokenFunction(vault.read)
        rejected = await tokens.get()
        answers = await asyncio.gather(*(tokens.is_replaced(rejected) for _ in range(10)))
        answers.append(await tokens.is_replaced(rejected))
        assert vault.calls == 2
        return answers

    assert asyncio.run(run()) == [is_replaced] * 11


def test_each_401_to_the_current_token_is_a_call() -> None:
    """A token that expires again and again is renewed each time."""

    async def run() -> list[str]:
        vault = Vault(*(f"api-{number}" for number in range(20)))
        tokens = TokenFunction(vault.read)
        current = await tokens.get()
        for _ in range(19):
            assert await tokens.is_replaced(current)
            current = await tokens.get()
        assert len(tokens._tokens) < 10  # noqa: SLF001 (a long-lived program keeps only a few)
        return [current.reveal(), tokens.conceal("api-19 and api-18")]

    assert asyncio.run(run()) == ["api-19", "*** and ***"]


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (ConnectionError("secret api-7"), "the token function raised ConnectionError"),
        (" ", "the token function returned no valid access token"),
        ("api 7", "the token function returned no valid access token"),
        (7, "the token function returned int instead of str"),
    ],
)
def test_a_failure_is_told_without_the_token(returned: object, message: str) -> None:
    """The message names the kind of failure and nothing that may be secret; the next request calls again."""

    async def run() -> None:
        vault = Vault(returned, "api-1")
        tokens = TokenFunction(vault.read)
        with pytest.raises(TokenError) as caught:
            await tokens.get()
        assert str(caught.value) == message
        assert (await tokens.get()).reveal() == "api-1"

    asyncio.run(run())


def test_a_function_that_is_not_async_is_named() -> None:
    """The message says what is wrong with the function, and does not contain what it returned."""

    async def run() -> None:
        tokens = TokenFunction(lambda: "api-7")  # type: ignore[arg-type, return-value]  # wrong on purpose
        with pytest.raises(TokenError, match=r"^the token function is not async$"):
            await tokens.get()

    asyncio.run(run())


def test_a_function_that_hangs_costs_the_request_only() -> None:
    """A request that is cancelled while it waits for the token names the reason; the next one calls again."""
    calls = 0

    async def hang_once() -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            await asyncio.sleep(1000)
        return "api-1"

    async def run() -> None:
        tokens = TokenFunction(hang_once)
        first = asyncio.create_task(tokens.get())
        await asyncio.sleep(0.01)
        second = asyncio.create_task(tokens.get())
        await asyncio.sleep(0.01)
        first.cancel()
        with pytest.raises(TokenError, match="did not return in time"):
            await first
        assert (await second).reveal() == "api-1"

    asyncio.run(run())
