"""Wait for several imports in your own asyncio program, then deploy.

    python examples/library/deploy_after_imports.py TARGET...

A TARGET is project/environment/segment/import-id, or the URL in the Location header of the response that
created the import. Set LD_ACCESS_TOKEN to your access token, and LD_BASE_URI if your API is not at https://app.launchdarkly.com.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import aclosing

import watcher


async def all_complete(targets: list[str]) -> bool:
    """Print the transitions of the imports and return whether all of them are complete."""
    policy = watcher.Policy(
        fail_on=frozenset({watcher.ImportStatus.PENDING_APPROVAL}),  # nobody is here to approve it
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
    """Wait while the program does other work."""
    try:
        _, complete = await asyncio.gather(warm_up(), all_complete(sys.argv[1:]))
    except watcher.UsageError as error:
        print(error, file=sys.stderr)
        return 2
    if not complete:
        return 1
    print("all imports are complete: deploying")
    return 0


async def warm_up() -> None:
    """Do other work in the meantime."""
    await asyncio.sleep(0.1)
    print("warmed up")


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
