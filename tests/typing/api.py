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
            print(describe(event), event.ref.segment, event.at.unix)


def describe(event: watcher.Event) -> str:
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
