"""Uses of the public API as in a program; only the type checker reads them."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path
from typing import assert_never, assert_type

import watcher

REF = watcher.ImportRef("default", "production", "big-spenders", "1234a567")


async def wait_for_one() -> watcher.Ended:
    """Wait for one import, with each type of target and token, and a policy."""
    await watcher.wait("default/production/big-spenders/1234a567", token=Path("token"))
    policy = watcher.Policy(
        until=watcher.ImportStatus.IN_PROGRESS,
        fail_on=frozenset({watcher.ImportStatus.PENDING_APPROVAL}),
        unknown_status=watcher.UnknownStatusRule.FAIL,
        max_in_state={watcher.ImportStatus.READY: 60.0},
    )
    try:
        ended = await watcher.wait(
            REF, token="api-…", base_uri="https://app.eu.launchdarkly.com", policy=policy
        )
    except watcher.WaitError as error:
        assert_type(error.ended, watcher.Ended)
        return error.ended
    except watcher.UsageError as error:
        raise SystemExit(str(error)) from error
    assert_type(ended, watcher.Ended)
    assert_type(ended.outcome, watcher.Outcome)
    assert_type(ended.progress, watcher.Progress)
    assert_type(ended.progress.last, watcher.Import | None)
    return ended


async def follow_many() -> None:
    """Receive all events of several imports."""
    events = watcher.watch([REF, "a/b/c/d"], token="api-…", any_suffices=True, heartbeat=60.0)
    async with aclosing(events):
        async for event in events:
            assert_type(event, watcher.Event)
            print(handle(event), event.ref.segment, event.at.unix)


async def read_token() -> str:
    """Return a token, as from a secrets manager."""
    return "api-…"


async def serve_many(saved: dict[str, str]) -> None:
    """Keep one watcher, resume waits, and save their states."""
    policy = watcher.Policy.from_dict(watcher.Policy(timeout=60.0).to_dict())
    assert_type(policy, watcher.Policy)
    async with watcher.Watcher(token=read_token, request_timeout=5.0) as one:
        assert_type(one, watcher.Watcher)
        async with aclosing(one.watch([REF], policy=policy, resume=saved.values())) as events:
            async for event in events:
                assert_type(event, watcher.Event)
                saved[str(event.ref)] = watcher.state_of(event)
                assert_type(watcher.describe(event), tuple[int, str] | None)
    async with watcher.shared(token=Path("token"), base_uri="https://app.launchdarkly.us") as common:
        assert_type(common, watcher.Watcher)
        try:
            ended = await common.wait(REF, policy=policy, resume=saved.get("one"))
        except watcher.WaitError as error:
            assert_type(error.ended.outcome.worth_retrying, bool)
            raise
        assert_type(ended, watcher.Ended)


def handle(event: watcher.Event) -> str:
    """Match every event type."""
    match event:
        case watcher.Watching():
            return event.goal
        case watcher.Changed(transition=transition):
            assert_type(transition, watcher.Transition)
            assert_type(transition.to, watcher.Status)
            return f"{transition.source} -> {transition.to}"
        case watcher.MetThrottle():
            return f"{event.wait} {event.named_wait}"
        case watcher.Retrying():
            return event.detail
        case watcher.MetUnknownStatus():
            return event.status
        case watcher.Heartbeat():
            return f"{event.waiting} {event.trouble} {event.next_poll}"
        case watcher.Ended():
            return event.message
        case _:
            assert_never(event)
