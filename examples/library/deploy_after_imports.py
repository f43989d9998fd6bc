"""Wait for several imports from an asyncio program of your own, then go on.

    python examples/library/deploy_after_imports.py TARGET...

A TARGET is project/environment/segment/import-id, or what an import's Location header holds. The access token
is read from LD_ACCESS_TOKEN; LD_BASE_URI is where the API is, if not at https://app.launchdarkly.com.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import aclosing

import watcher


async def all_complete(targets: list[str]) -> bool:
    """Tells what happens to the imports, and whether all of them became complete.

    Args:
        targets: The imports.

    Returns:
        False as soon as one of them fails.
    """
    policy = watcher.Policy(
        fail_on=frozenset({watcher.ImportStatus.PENDING_APPROVAL}),  # nobody is there to approve it
        timeout=30 * 60,
    )
    events = watcher.watch(
        targets,
        token=os.environ.get("LD_ACCESS_TOKEN", ""),
        base_uri=os.environ.get("LD_BASE_URI"),
        policy=policy,
        fail_fast=True,
    )
    succeeded = True
    async with aclosing(events):
        async for event in events:
            if isinstance(event, watcher.Changed):
                print(f"{event.ref.segment} is {event.transition.to}")
            elif isinstance(event, watcher.Ended):
                print(f"{event.ref.segment}: {event.message}")
                succeeded = succeeded and event.outcome is watcher.Outcome.COMPLETE
    return succeeded


async def main() -> int:
    """Waits while the program does other things."""
    try:
        _, complete = await asyncio.gather(warm_up(), all_complete(sys.argv[1:]))
    except watcher.UsageError as error:
        print(f"nothing was watched: {error}", file=sys.stderr)
        return 2
    if not complete:
        return 1
    print("all imports are complete: deploying")
    return 0


async def warm_up() -> None:
    """Stands for what else the program has to do meanwhile."""
    await asyncio.sleep(0.1)
    print("warmed up")


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
