"""Tests of the library in another asyncio program, over real sockets."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import re
import signal
import subprocess
import sys
import threading
import traceback
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import watcher
from tests.support.processes import TOKEN, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AbstractAsyncContextManager

    from tests.support.processes import Simulator, StartSimulator

EXAMPLE = Path(__file__).parents[2] / "examples" / "library" / "deploy_after_imports.py"
POLICY = watcher.Policy(min_interval=0.05, max_interval=0.15)


def wait(simulator: Simulator, target: str, policy: watcher.Policy = POLICY) -> watcher.Ended:
    """Wait in an event loop of its own."""
    return asyncio.run(watcher.wait(target, token=TOKEN, base_uri=simulator.base_uri, policy=policy))


def test_a_wait_returns_the_last_event(start_simulator: StartSimulator) -> None:
    """A successful wait returns the `Ended` event with all transitions."""
    simulator = start_simulator("happy")
    ended = wait(simulator, simulator.create())
    assert ended.outcome is watcher.Outcome.COMPLETE
    assert [transition.to for transition in ended.progress.transitions][-1] == "complete"
    assert ended.progress.last is not None
    assert ended.progress.last.mode == "replace"


def test_a_failed_wait_raises(start_simulator: StartSimulator) -> None:
    """A stopped import raises an error with the `Ended` event, so a caller cannot overlook it."""
    simulator = start_simulator("stopped")
    with pytest.raises(
        watcher.WaitError,
        match=r"^stopped in LaunchDarkly after .* create a new one\. \(.*/big-spenders/.*\)$",
    ) as caught:
        wait(simulator, simulator.create())
    assert caught.value.ended.outcome is watcher.Outcome.STOPPED
    assert TOKEN not in str(caught.value) + repr(caught.value)


def test_a_token_file_is_read_again(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """A token file is read again after a 401."""
    simulator = start_simulator("happy")
    file = tmp_path / "token"
    file.write_text("api-old\n")

    async def replace_and_wait() -> watcher.Ended:
        events = watcher.watch([simulator.create()], token=file, base_uri=simulator.base_uri, policy=POLICY)
        async with aclosing(events):
            async for event in events:
                if isinstance(event, watcher.Watching):
                    file.write_text(TOKEN)
                if isinstance(event, watcher.Ended):
                    return event
        raise AssertionError

    assert asyncio.run(replace_and_wait()).outcome is watcher.Outcome.COMPLETE


def test_a_wait_has_no_side_effects(
    start_simulator: StartSimulator, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is printed or logged, and no signal handler, thread, task or exception handler is left."""
    simulator = start_simulator("flaky")
    handlers, level = list(logging.root.handlers), logging.root.level
    threads = set(threading.enumerate())

    async def run() -> None:
        loop = asyncio.get_running_loop()
        before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        await watcher.wait(simulator.create(), token=TOKEN, base_uri=simulator.base_uri, policy=POLICY)
        assert loop.get_exception_handler() is None
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())
    assert capfd.readouterr() == ("", "")
    assert (logging.root.handlers, logging.root.level) == (handlers, level)
    assert set(threading.enumerate()) == threads


def test_waits_run_beside_other_tasks(start_simulator: StartSimulator) -> None:
    """Several waits share an event loop with other work and do not block it."""
    simulator = start_simulator("happy")

    async def work() -> int:
        ticks = 0
        while True:
            ticks += 1
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                return ticks

    async def both() -> tuple[list[watcher.Ended], int]:
        other = asyncio.create_task(work())
        waits = [
            watcher.wait(simulator.create(name), token=TOKEN, base_uri=simulator.base_uri, policy=POLICY)
            for name in ("production", "staging")
        ]
        ended = await asyncio.gather(*waits)
        other.cancel()
        return ended, await other

    ended, ticks = asyncio.run(both())
    assert [event.outcome for event in ended] == [watcher.Outcome.COMPLETE] * 2
    assert ticks > 10


def test_a_wait_can_be_cancelled(start_simulator: StartSimulator) -> None:
    """A timeout of the caller cancels a wait immediately and leaves no task."""
    simulator = start_simulator("stuck")

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await watcher.wait(
                    simulator.create(), token=TOKEN, base_uri=simulator.base_uri, policy=POLICY
                )
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(give_up())


def test_the_iteration_can_be_left_early(start_simulator: StartSimulator) -> None:
    """Closing the generator after a `break` leaves no task."""
    simulator = start_simulator("stuck")

    async def first() -> watcher.Event:
        async with aclosing(
            watcher.watch([simulator.create()], token=TOKEN, base_uri=simulator.base_uri)
        ) as events:
            async for event in events:
                if isinstance(event, watcher.Changed):
                    break
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return event

    assert isinstance(asyncio.run(first()), watcher.Changed)


@pytest.mark.parametrize(
    ("targets", "token", "base_uri", "message"),
    [
        ([], "api-x", None, "refs is empty. Name at least one import"),
        (["a/b"], "api-x", None, "does not have four parts"),
        (["a/b/c/d"], "", None, "^token is empty"),
        (["a/b/c/d"], None, None, "token must be an access token .*, not NoneType"),
        (["a/b/c/d"], b"api-x", None, "token must be an access token .*, not bytes"),
        (["a/b/c/d"], Path("/nowhere/token"), None, "^token /nowhere/token cannot be read"),
        ("a/b/c/d", "api-x", None, r"must be a list of imports. For one import write \[ref\]"),
        (watcher.ImportRef("a", "b", "c", "d"), "api-x", None, "must be a list of imports"),
        (None, "api-x", None, "must be a list of imports"),
        ([watcher.ImportRef("..", "b", "c", "d")], "api-x", None, "project key is '..'"),
        ([watcher.ImportRef("a", "b", "c", "")], "api-x", None, "import ID is empty"),
        (["a/b/c/d"], "api-x", "http://example.com", "^base_uri must use https. Plain http"),
        (
            ["https://example.com/api/v2/segments/a/b/c/imports/d"],
            "api-x",
            None,
            "target is on https://example.com.* add base_uri https://example.com",
        ),
    ],
)
def test_an_invalid_argument_is_rejected(
    targets: object, token: object, base_uri: str | None, message: str
) -> None:
    """Invalid arguments raise `UsageError` without naming an option."""
    error = usage_error(targets, token=token, base_uri=base_uri)
    assert re.search(message, error)
    assert "--" not in error


@pytest.mark.parametrize("name", ["heartbeat", "request_timeout"])
@pytest.mark.parametrize("length", [0, -1.0, math.nan, -math.inf])
def test_an_invalid_duration_is_rejected(name: str, length: float) -> None:
    """Zero does not mean no limit; with a heartbeat of zero, all events would be heartbeats."""
    error = usage_error(["a/b/c/d"], token="api-x", **{name: length})
    assert error == f"{name} must be more than 0 seconds, not {length!r}. Use math.inf for no limit."


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("policy", None, "policy must be a Policy, not NoneType. Leave it out for the defaults."),
        ("policy", {"timeout": 5}, "policy must be a Policy, not dict. Leave it out for the defaults."),
        ("base_uri", 5, "base_uri must be a URL (str), not int."),
        ("heartbeat", "5", "heartbeat must be more than 0 seconds, not '5'. Use math.inf for no limit."),
        ("request_timeout", None, "request_timeout must be more than 0 seconds, not None. Use math.inf"),
    ],
)
def test_an_argument_of_another_type_is_rejected(name: str, value: object, message: str) -> None:
    """A program without type checks gets a usage error."""
    assert usage_error(["a/b/c/d"], token="api-x", **{name: value}).startswith(message)


@pytest.mark.parametrize("function", [watcher.state_of, watcher.describe])
def test_what_is_no_event_is_rejected(function: Callable[[object], object]) -> None:
    """The functions of an event accept nothing else."""
    with pytest.raises(watcher.UsageError, match="event must be an event of a watch, not NoneType"):
        function(None)


def usage_error(refs: object, **arguments: object) -> str:
    """Return the error message for arguments of any type."""

    async def run() -> None:
        async for _ in watcher.watch(refs, **arguments):  # type: ignore[arg-type]  # wrong on purpose
            raise AssertionError("the watch began")

    with pytest.raises(watcher.UsageError) as caught:
        asyncio.run(run())
    return str(caught.value)


@pytest.mark.parametrize(
    ("scenario", "code", "last"), [("happy", 0, "deploying"), ("approval", 1, "blocked")]
)
def test_the_example_program(start_simulator: StartSimulator, scenario: str, code: int, last: str) -> None:
    """The example waits for two imports beside other work and deploys only after both."""
    simulator = start_simulator(scenario)
    targets = [
        simulator.create(name, wait_on_approvals=scenario == "approval") for name in ("production", "staging")
    ]
    finished = subprocess.run(
        [sys.executable, EXAMPLE, *targets],
        check=False,
        capture_output=True,
        text=True,
        env=environment(simulator.base_uri, PYTHONPATH=os.fspath(EXAMPLE.parents[2])),
    )
    assert (finished.returncode, finished.stderr) == (code, "")
    assert "warmed up" in finished.stdout
    assert ("deploying" in finished.stdout) == (code == 0)
    assert last in finished.stdout


# As programs call them that nobody type-checks.
WAIT: Callable[..., Coroutine[None, None, watcher.Ended]] = watcher.wait
SHARED: Callable[..., AbstractAsyncContextManager[watcher.Watcher]] = watcher.shared


async def call_wait(token: object, target: str) -> None:
    """Wait with a watcher for this call."""
    await WAIT(target, token=token)


async def call_shared(token: object, target: str) -> None:
    """Wait with a shared watcher."""
    async with SHARED(token=token) as one:
        await one.wait(target)


@pytest.mark.parametrize("call", [call_wait, call_shared])
@pytest.mark.parametrize(
    "token",
    ["api-secret with a space", "Bearer api-secret", b"api-secret", ["api-secret"], {"t": "api-secret"}],
)
@pytest.mark.parametrize("target", ["a/b/c/d", "no target"])
def test_a_traceback_with_variables_does_not_show_the_token(
    call: Callable[[object, str], Coroutine[None, None, None]], token: object, target: str
) -> None:
    """No function of the library holds the plain token when it raises, whatever its type."""
    with pytest.raises(watcher.UsageError) as caught:
        asyncio.run(call(token, target))
    captured = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [
        frame for frame in captured.stack if frame.filename.startswith(str(Path(watcher.__file__).parent))
    ]
    assert ours
    assert not [frame.name for frame in ours if "api-secret" in str(frame.locals)]
