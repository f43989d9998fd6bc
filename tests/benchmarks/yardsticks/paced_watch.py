"""How late the polls of `watcher`'s own loop and client are, nothing in them replaced.

Arguments: the base URI, how many imports, and for how many seconds. Prints one JSON object.

Only one event tells when its import is asked for next: ``Retrying``. So the imports are ones that are not
there yet: each 404 is followed by a poll of the ordinary schedule, and costs a little more than a quiet poll.
The first look at each import fails without being sent, and the full jitter after it spreads the imports over
an interval, as chance would in time.
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
from watcher.api.token import FixedToken, parse_token
from watcher.cli.main import COLLECT_AFTER
from watcher.core.answers.replies import Answer, Fault, FaultKind
from watcher.core.defaults import REQUEST_TIMEOUT
from watcher.core.events import Retrying
from watcher.core.model import ImportRef
from watcher.core.policy import Policy, Terms
from watcher.loop import Watch

from .punctuality import Punctuality, stolen_seconds

if TYPE_CHECKING:
    from watcher.core.events import Event

INTERVAL = 1.0


class PunctualProbe:
    """Asks through the client, and notes how late it was asked to.

    Args:
        client: The client.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._plans: dict[ImportRef, float] = {}
        self._now = asyncio.get_running_loop().time
        self.punctuality = Punctuality(self._now(), stolen_seconds)

    def receive(self, event: Event) -> None:
        """Notes a plan.

        Args:
            event: Any event.
        """
        if isinstance(event, Retrying):
            self._plans[event.ref] = event.at.monotonic + event.wait

    async def get(self, ref: ImportRef) -> Answer | Fault:
        """Asks, where there is a plan.

        Args:
            ref: The import.

        Returns:
            The answer.
        """
        plan = self._plans.get(ref)
        if plan is None:
            return Fault(FaultKind.NETWORK, "the first look fails")
        self.punctuality.note(plan, self._now())
        return await self._client.get(ref)


async def main() -> None:
    """Watches, and tells how late the polls were."""
    gc.freeze()  # as the program does, like the threshold
    gc.set_threshold(COLLECT_AFTER)
    base_uri, imports, seconds = sys.argv[1:]
    refs = [
        ImportRef("default", "missing", "big-spenders", f"{number:036}") for number in range(int(imports))
    ]
    policy = Policy(timeout=math.inf, appear_within=math.inf, min_interval=INTERVAL, max_interval=INTERVAL)
    terms = Terms(policy, lambda _: False, request_timeout=REQUEST_TIMEOUT)
    tokens = FixedToken(parse_token(os.environ["LD_ACCESS_TOKEN"], "LD_ACCESS_TOKEN"))
    async with Client(base_uri, tokens) as client:
        probe = PunctualProbe(client)
        watch = Watch(refs, terms, probe.get, Random(1))
        with suppress(TimeoutError):
            async with asyncio.timeout(float(seconds)), aclosing(watch.events()) as events:
                async for event in events:
                    probe.receive(event)
    sys.stdout.write(json.dumps(asdict(probe.punctuality.told())) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
