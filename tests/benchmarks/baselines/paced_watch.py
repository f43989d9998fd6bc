"""The lateness of the polls of `watcher`'s own loop and client.

Arguments: the base URI, the number of imports, and the seconds. Prints one JSON object.

Only the event ``Retrying`` has the time of the next poll. Therefore the imports do not exist yet: a poll of
the ordinary schedule follows each 404, and costs slightly more than a poll without an event. The first poll
of each import fails without a request, and the full jitter after it spreads the imports over an interval.
"""

from __future__ import annotations

import asyncio
import gc
import json
import math
import os
import sys
from contextlib import aclosing, suppress
from dataclasses import asdict
from random import Random
from typing import TYPE_CHECKING

from watcher.api.client import Client
from watcher.api.token import parse_token
from watcher.api.token_sources import TokenSource
from watcher.core.answers.replies import Answer, Fault, FaultKind
from watcher.core.defaults import REQUEST_TIMEOUT
from watcher.core.events import Retrying
from watcher.core.model import ImportRef
from watcher.core.policy import Policy, Terms
from watcher.loop.loop import Loop
from watcher.loop.watch import Watch

from .punctuality import Punctuality, stolen_seconds

if TYPE_CHECKING:
    from watcher.core.events import Event

INTERVAL = 1.0

GC_THRESHOLD = 10_000
"""The threshold that the command line sets."""


class Probe:
    """A wrapper of the client that records the lateness of its calls."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._plans: dict[ImportRef, float] = {}
        self._now = asyncio.get_running_loop().time
        self.punctuality = Punctuality(self._now(), stolen_seconds)

    def receive(self, event: Event) -> None:
        """Store the planned time of the next poll."""
        if isinstance(event, Retrying):
            self._plans[event.ref] = event.at.monotonic + event.wait

    async def get(self, ref: ImportRef, fresh: bool) -> Answer | Fault:
        """Poll an import, and record the lateness; the first poll fails without a request."""
        plan = self._plans.get(ref)
        if plan is None:
            return Fault(FaultKind.NETWORK, "the first poll fails")
        self.punctuality.note(plan, self._now())
        return await self._client.get(ref, fresh)


async def main() -> None:
    """Watch, and print the lateness of the polls."""
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    base_uri, imports, seconds = sys.argv[1:]
    refs = [
        ImportRef("default", "missing", "big-spenders", f"{number:036}") for number in range(int(imports))
    ]
    policy = Policy(timeout=math.inf, appear_within=math.inf, min_interval=INTERVAL, max_interval=INTERVAL)
    terms = Terms(policy, lambda _: False)
    tokens = TokenSource(parse_token(os.environ["LD_ACCESS_TOKEN"], "LD_ACCESS_TOKEN"))
    async with Client(base_uri, tokens) as client:
        probe = Probe(client)
        with suppress(TimeoutError):
            async with (
                asyncio.timeout(float(seconds)),
                Loop(probe.get, Random(1), request_timeout=REQUEST_TIMEOUT) as loop,
                aclosing(Watch(loop, refs, terms).events()) as events,
            ):
                async for event in events:
                    probe.receive(event)
    sys.stdout.write(json.dumps(asdict(probe.punctuality.lateness())) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
