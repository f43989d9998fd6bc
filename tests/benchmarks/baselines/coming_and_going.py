"""The memory of one `Watcher` whose imports come and go.

Arguments: the base URI, the environment key of the imports, and the seconds. Prints one JSON object.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from pathlib import Path
from random import Random

import watcher

TASKS = 20
IMPORTS = 5
"""Imports of each watch; the watches of all tasks draw from twice as many, so they share some."""

SHORTEST, LONGEST = 0.05, 0.5
"""Seconds after which a watch is left."""

POLICY = watcher.Policy(min_interval=0.01, max_interval=0.02)
WARM_UP = 0.3
"""Share of the time after which the memory is measured for the first time."""


def resident() -> int:
    """Return the resident set in bytes after a garbage collection."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGESIZE")


async def come_and_go(common: watcher.Watcher, environment: str, random: Random) -> None:
    """Watch a few imports, leave, and begin again."""
    while True:
        numbers = random.sample(range(2 * TASKS * IMPORTS), IMPORTS)
        refs = [watcher.ImportRef("default", environment, "big-spenders", f"{one:036}") for one in numbers]
        try:
            async with asyncio.timeout(random.uniform(SHORTEST, LONGEST)):
                async for event in common.watch(refs, policy=POLICY):
                    watcher.state_of(event)
        except TimeoutError:
            continue
        raise RuntimeError("the imports are never final")


async def main() -> None:
    """Let imports come and go, and print the memory after the warm-up and at the end."""
    base_uri, environment, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    async with watcher.Watcher(token="api-benchmark", base_uri=base_uri) as one:
        tasks = [asyncio.create_task(come_and_go(one, environment, Random(seed))) for seed in range(TASKS)]
        await asyncio.sleep(WARM_UP * seconds)
        warm = resident()
        await asyncio.sleep((1 - WARM_UP) * seconds)
        end = resident()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.result()
    sys.stdout.write(json.dumps({"warm": warm, "end": end}) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
