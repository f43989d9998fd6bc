"""Tests of a long-lived `Watcher` in another asyncio program, over real sockets."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import watcher
from tests.support.processes import TOKEN

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from tests.support.processes import Simulator, StartSimulator

POLICY = watcher.Policy(min_interval=0.05, max_interval=0.15)


def run(program: Coroutine[None, None, None]) -> None:
    """Run a program, and check that it leaves no task, thread or unclosed connection."""
    threads = set(threading.enumerate())

    async def main() -> None:
        await program
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    gc.collect()  # an unclosed connection warns, which is an error in the tests
    assert set(threading.enumerate()) == threads


def watcher_of(simulator: Simulator) -> watcher.Watcher:
    """Return a watcher for a simulator."""
    return watcher.Watcher(token=TOKEN, base_uri=simulator.base_uri)


async def texts_of(one: watcher.Watcher, target: str, resume: str | None = None) -> tuple[list[str], str]:
    """Watch an import; return the descriptions of all events, and the state after the last one."""
    texts, state = [], ""
    async with aclosing(one.watch([target], policy=POLICY, resume=resume)) as events:
        async for event in events:
            state = watcher.state_of(event)
            described = watcher.describe(event)
            if described is not None:
                texts.append(described[1])
    return texts, state


def test_imports_come_and_go_in_several_tasks(start_simulator: StartSimulator) -> None:
    """One watcher serves several tasks at once and one after the other, and shares polls of an import."""
    simulator = start_simulator("happy")

    async def program() -> None:
        targets = [simulator.create(f"env-{number}") for number in range(3)]
        async with watcher_of(simulator) as one:
            first = await asyncio.gather(*(one.wait(target, policy=POLICY) for target in targets))
            assert {ended.outcome for ended in first} == {watcher.Outcome.COMPLETE}
            again = simulator.create("env-9")
            both = await asyncio.gather(*(one.wait(again, policy=POLICY) for _ in range(2)))
            assert both[0].progress.polls == both[1].progress.polls
            assert both[0].at == both[1].at

    run(program())


def test_leaving_and_cancelling_withdraw_the_import(start_simulator: StartSimulator) -> None:
    """After a break or a cancellation, other waits continue, and the watcher closes cleanly."""
    simulator = start_simulator("stuck")
    happy = start_simulator("happy")

    async def program() -> None:
        async with watcher_of(simulator) as one, watcher_of(happy) as other:
            async for event in one.watch([simulator.create("a")], policy=POLICY):
                if isinstance(event, watcher.Changed):
                    break
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await one.wait(simulator.create("b"), policy=POLICY)
            ended = await other.wait(happy.create(), policy=POLICY)
            assert ended.outcome is watcher.Outcome.COMPLETE

    run(program())


def test_closing_ends_what_is_still_watched(start_simulator: StartSimulator) -> None:
    """A wait in another task raises `WatcherError`, and a later one `UsageError`."""
    simulator = start_simulator("stuck")

    async def program() -> None:
        async with watcher_of(simulator) as one:
            waiting = asyncio.create_task(one.wait(simulator.create(), policy=POLICY))
            await asyncio.sleep(0.2)
        with pytest.raises(watcher.WatcherError, match="the Watcher is closed"):
            await waiting
        with pytest.raises(watcher.UsageError, match="this Watcher is closed"):
            await one.wait("a/b/c/d")
        with pytest.raises(watcher.UsageError, match="was entered before"):
            await one.__aenter__()

    run(program())


def test_the_program_may_be_cancelled_at_any_time(start_simulator: StartSimulator) -> None:
    """However the program ends, nothing is left open."""
    simulator = start_simulator("stuck")

    async def program() -> None:
        target = simulator.create()

        async def use() -> None:
            async with watcher_of(simulator) as one:
                await one.wait(target, policy=POLICY)

        for delay in (0.0, 0.01, 0.05, 0.2):
            task = asyncio.create_task(use())
            await asyncio.sleep(delay)
            task.cancel()
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(program())


def test_a_watcher_must_be_open(start_simulator: StartSimulator) -> None:
    """A watcher that was not entered, or belongs to another event loop, says so."""
    simulator = start_simulator("happy")
    closed = watcher_of(simulator)
    with pytest.raises(watcher.UsageError, match=r"not open. Use it inside `async with Watcher"):
        asyncio.run(closed.wait(f"{simulator.base_uri}/api/v2/segments/a/b/c/imports/d"))

    async def program() -> None:
        async with watcher_of(simulator) as one:
            with pytest.raises(watcher.UsageError, match="belongs to another event loop"):
                await asyncio.to_thread(asyncio.run, one.wait("a/b/c/d"))

    asyncio.run(program())


def test_a_wait_continues_in_another_watcher(start_simulator: StartSimulator) -> None:
    """With its state, a wait repeats nothing, loses nothing, and keeps its clocks."""
    simulator = start_simulator("happy", speed=8.0)

    async def program() -> None:
        target = simulator.create()
        texts: list[str] = []
        async with watcher_of(simulator) as one, aclosing(one.watch([target], policy=POLICY)) as events:
            async for event in events:
                state = watcher.state_of(event)
                texts.append(str(watcher.describe(event)))
                if isinstance(event, watcher.Changed):
                    break
        await asyncio.sleep(0.2)
        async with watcher_of(simulator) as one:
            later, state = await texts_of(one, target, state)
            ended = await one.wait(target, policy=POLICY, resume=state)
            final, _ = await texts_of(one, target, state)
        assert not set(texts) & set(later)
        assert not any(text.startswith("watching") for text in later)
        statuses = [transition.to for transition in ended.progress.transitions]
        assert statuses == ["preparing", "ready", "in_progress", "complete"]
        assert len(later) == len(statuses)  # three transitions and the end
        assert ended.progress.elapsed > 0.2
        assert len(final) == 1

    run(program())


def test_a_final_import_is_not_polled_again(start_simulator: StartSimulator) -> None:
    """The state of an import that was complete needs no server."""
    simulator = start_simulator("happy")

    async def program() -> None:
        target = simulator.create()
        async with watcher_of(simulator) as one:
            _, state = await texts_of(one, target)
        project, environment, segment, _, import_id = target.split("/")[-5:]
        keys = f"{project}/{environment}/{segment}/{import_id}"
        async with watcher.Watcher(token=TOKEN, base_uri="http://127.0.0.1:1") as unreachable:
            ended = await unreachable.wait(keys, resume=state)
        assert ended.outcome is watcher.Outcome.COMPLETE

    run(program())


def test_states_are_matched_to_imports(start_simulator: StartSimulator) -> None:
    """States may come in any order; those of other imports are ignored, and nonsense is refused."""
    simulator = start_simulator("happy")

    async def program() -> None:
        targets = [simulator.create(f"env-{number}") for number in range(3)]
        async with watcher_of(simulator) as one:
            states = [(await texts_of(one, target))[1] for target in targets]
            events = one.watch(targets[:2], policy=POLICY, resume=reversed(states))
            kinds = [type(event) async for event in events]
            assert kinds == [watcher.Ended] * 2
            for wrong in ("", "{}", ["x"], [None], 7):
                with pytest.raises(watcher.UsageError, match="resume"):
                    await anext(one.watch(targets, resume=wrong))  # type: ignore[arg-type]  # wrong on purpose

    run(program())


def test_users_of_the_same_token_and_host_share_a_watcher(start_simulator: StartSimulator) -> None:
    """One watcher for each token and base URI; the last user closes it, and a later one has a new one."""
    simulator, other = start_simulator("happy"), start_simulator("happy")

    async def token() -> str:
        return TOKEN

    async def program() -> None:
        async with AsyncExitStack() as stack:
            enter = stack.enter_async_context
            one = await enter(watcher.shared(token=TOKEN, base_uri=simulator.base_uri))
            assert await enter(watcher.shared(token=TOKEN, base_uri=f"{simulator.base_uri}/")) is one
            assert await enter(watcher.shared(token=TOKEN, base_uri=other.base_uri)) is not one
            assert await enter(watcher.shared(token="api-2", base_uri=simulator.base_uri)) is not one
            by_function = await enter(watcher.shared(token=token, base_uri=simulator.base_uri))
            assert await enter(watcher.shared(token=token, base_uri=simulator.base_uri)) is by_function
            ended = await by_function.wait(simulator.create(), policy=POLICY)
            assert ended.outcome is watcher.Outcome.COMPLETE
        with pytest.raises(watcher.UsageError, match="is closed"):
            await one.wait("a/b/c/d")
        async with watcher.shared(token=TOKEN, base_uri=simulator.base_uri) as later:
            assert later is not one

    run(program())


def test_each_event_loop_has_its_own_shared_watcher(start_simulator: StartSimulator) -> None:
    """A thread with another event loop gets another watcher."""
    simulator = start_simulator("happy")

    async def in_thread() -> watcher.Watcher:
        async with watcher.shared(token=TOKEN, base_uri=simulator.base_uri) as one:
            return one

    async def program() -> None:
        async with watcher.shared(token=TOKEN, base_uri=simulator.base_uri) as one:
            assert await asyncio.to_thread(asyncio.run, in_thread()) is not one

    asyncio.run(program())


def test_a_token_function_is_called_again_after_a_401(start_simulator: StartSimulator) -> None:
    """An expired token is replaced, once for all imports; a function that fails is a fault."""
    simulator = start_simulator("happy")
    calls = 0

    async def rotating() -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ConnectionError("the vault said api-secret")
        return "api-expired" if calls == 2 else TOKEN

    async def program() -> None:
        texts: list[str] = []
        targets = [simulator.create(f"env-{number}") for number in range(4)]
        async with watcher.Watcher(token=rotating, base_uri=simulator.base_uri) as one:
            async for event in one.watch(targets, policy=POLICY):
                texts.append(str(watcher.describe(event)))
                if isinstance(event, watcher.Ended):
                    assert event.outcome is watcher.Outcome.COMPLETE
        assert calls == 3
        assert any("the token function raised ConnectionError" in text for text in texts)
        assert "secret" not in "".join(texts)

    run(program())


def test_a_token_function_that_never_works_is_unavailable(start_simulator: StartSimulator) -> None:
    """The wait ends with its outage budget, as it does without a network, and a retry may help."""
    simulator = start_simulator("happy")

    async def broken() -> str:
        raise OSError

    async def program() -> None:
        policy = watcher.Policy(min_interval=0.05, max_interval=0.1, outage_budget=0.3)
        async with watcher.Watcher(token=broken, base_uri=simulator.base_uri) as one:
            with pytest.raises(watcher.WaitError, match="the token function raised OSError") as caught:
                await one.wait(simulator.create(), policy=policy)
        assert caught.value.ended.outcome is watcher.Outcome.UNAVAILABLE
        assert caught.value.ended.outcome.worth_retrying

    run(program())


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """Return the path of a pipe in place of a token file."""
    path = tmp_path / "token"
    os.mkfifo(path)
    return path


def test_closing_ends_a_watch_that_reads_the_token(pipe: Path) -> None:
    """A pipe that nobody writes to holds up neither the close nor the watches."""

    async def program() -> None:
        async with watcher.Watcher(token=pipe, base_uri="http://127.0.0.1:1") as one:
            waits = [asyncio.create_task(one.wait("a/b/c/d")) for _ in range(2)]
            await asyncio.sleep(0.05)
        for waiting in waits:
            with pytest.raises(watcher.WatcherError, match=r"^the Watcher is closed$") as caught:
                await waiting
            assert not isinstance(caught.value, watcher.UsageError)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    threads = set(threading.enumerate())
    asyncio.run(program())
    pipe.write_text(TOKEN)  # ends the thread that reads it
    for thread in set(threading.enumerate()) - threads:
        thread.join()


def test_others_get_the_token_that_a_cancelled_wait_began_to_read(
    start_simulator: StartSimulator, pipe: Path
) -> None:
    """The token in a pipe is read once, for all watches and hosts."""
    simulator = start_simulator("happy")

    async def program() -> None:
        target = simulator.create()
        async with watcher.Watcher(token=pipe, base_uri=simulator.base_uri) as one:
            first, *others = [asyncio.create_task(one.wait(target, policy=POLICY)) for _ in range(3)]
            await asyncio.sleep(0.05)
            first.cancel()
            await asyncio.wait([first])
            await asyncio.to_thread(pipe.write_text, TOKEN)
            for ended in await asyncio.gather(*others):
                assert ended.outcome is watcher.Outcome.COMPLETE
            await asyncio.get_running_loop().shutdown_default_executor()

    run(program())


def test_a_token_file_may_appear_after_the_first_wait(
    start_simulator: StartSimulator, tmp_path: Path
) -> None:
    """A token file that cannot be read fails the waits of that time, and no later one."""
    simulator, path = start_simulator("happy"), tmp_path / "token"

    async def program() -> None:
        target = simulator.create()
        async with watcher.Watcher(token=path, base_uri=simulator.base_uri) as one:
            waits = [one.wait(target, policy=POLICY) for _ in range(2)]
            for error in await asyncio.gather(*waits, return_exceptions=True):
                assert isinstance(error, watcher.UsageError)
                assert "cannot be read: no such file" in str(error)
            path.write_text(TOKEN)
            assert (await one.wait(target, policy=POLICY)).outcome is watcher.Outcome.COMPLETE

    run(program())


def test_one_watcher_polls_several_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a base URI each call uses the host of its targets, and one call has one host."""
    hosts = ["app.launchdarkly.com", "app.eu.launchdarkly.com"]
    targets = [f"https://{host}/api/v2/segments/a/b/c/imports/d" for host in hosts]
    connects: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connects.append(await reader.readline())
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
        writer.close()

    async def program() -> None:
        proxy = await asyncio.start_server(refuse, "127.0.0.1", 0)
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
        policy = watcher.Policy(once=True, outage_budget=0)
        async with proxy, watcher.Watcher(token=TOKEN) as one:
            waits = [one.wait(target, policy=policy) for target in targets * 2]
            for error in await asyncio.gather(*waits, return_exceptions=True):
                assert isinstance(error, watcher.WaitError)
                assert error.ended.outcome is watcher.Outcome.UNAVAILABLE
            with pytest.raises(watcher.UsageError, match="targets are on different hosts"):
                await anext(one.watch(targets))
        assert sorted(connects) == sorted(f"CONNECT {host}:443 HTTP/1.1\r\n".encode() for host in hosts)

    asyncio.run(program())


def test_first_users_at_the_same_time_share_a_watcher(start_simulator: StartSimulator) -> None:
    """A watcher that cannot be made is not kept, and a user that is cancelled closes it for no other."""
    simulator = start_simulator("happy")
    target = simulator.create()

    async def use(enough: asyncio.Event) -> watcher.Watcher:
        async with watcher.shared(token=TOKEN, base_uri=simulator.base_uri) as one:
            await enough.wait()
            await one.wait(target, policy=POLICY)
            return one

    async def program() -> None:
        for _ in range(2):
            with pytest.raises(watcher.UsageError, match=r"^token is empty"):
                await watcher.shared(token="", base_uri=simulator.base_uri).__aenter__()
        enough = asyncio.Event()
        first, *others = [asyncio.create_task(use(enough)) for _ in range(3)]
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
        enough.set()
        assert len(set(await asyncio.gather(*others))) == 1

    run(program())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"token": ""}, "^token is empty"),
        (
            {"token": None},
            r"^token must be an access token \(str\), the Path .* async function",
        ),
        ({"token": "api-1", "base_uri": "http://example.com"}, "^base_uri must use https"),
        ({"token": "api-1", "request_timeout": 0}, "^request_timeout must be more than 0 seconds"),
    ],
)
def test_an_invalid_argument_is_refused_at_once(arguments: dict[str, object], message: str) -> None:
    """The constructor refuses invalid arguments; a token file is read by the first watch."""
    with pytest.raises(watcher.UsageError, match=message):
        watcher.Watcher(**arguments)  # type: ignore[arg-type]  # wrong on purpose
