"""The trigger: waits for imports in the triggerer's event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from importlib import import_module
from typing import TYPE_CHECKING, TypedDict

from airflow.sdk.exceptions import AirflowRuntimeError
from airflow.sdk.execution_time.xcom import XCom
from airflow.triggers.base import BaseTrigger, TriggerEvent

from watcher.airflow.compat import AirflowNotFoundException
from watcher.airflow.hooks import LaunchDarklyAccount, get_account, token_reader
from watcher.airflow.threads import call
from watcher.core.errors import UsageError
from watcher.core.events import Heartbeat
from watcher.core.policy import Policy
from watcher.core.statuses import Outcome

if TYPE_CHECKING:  # imported in a thread when the first trigger runs
    from watcher.airflow.waits import Document, Memory

STATE_KEY = "launchdarkly_import_state"
"""The key of the XCom with the state of a wait."""

MINIMUM_DELAY = 5.0
"""Shortest time in seconds from the start of a trigger to its event.

Airflow may take the end of the deferring task for that of the resumed one if both are seconds apart
(apache/airflow#72716), and retries it whatever exception it raised.
"""

HEARTBEAT = 300.0
"""Longest time in seconds without a line in the task's log."""

CONNECTION_INTERVAL = 30.0
"""Time in seconds between two searches for a connection that is gone."""


class Fired(TypedDict, total=False):
    """The payload of the trigger's event: the results by API path, or why there are none."""

    ended: dict[str, Document]
    error: str
    outcome: str


class LaunchDarklyImportTrigger(BaseTrigger):
    """Wait until all imports are final, and fire one event with their results.

    All triggers of a process that use the same connection share one rate limiter and one connection pool. The
    arguments are JSON values without the access token.

    Args:
        targets: The imports, as ``watcher.watch`` accepts them as text.
        launchdarkly_conn_id: The connection ID.
        policy: What to wait for and how long, from ``watcher.Policy.to_dict``.
        states: The states of imports that somebody has already waited for, by API path.
        ended: The results of imports that are already final, by API path.
    """

    def __init__(
        self,
        *,
        targets: Sequence[str],
        launchdarkly_conn_id: str,
        policy: Mapping[str, object],
        states: Mapping[str, str] | None = None,
        ended: Mapping[str, Document] | None = None,
    ) -> None:
        super().__init__()
        self.targets = list(targets)
        self.launchdarkly_conn_id = launchdarkly_conn_id
        self.policy = dict(policy)
        self.states = dict(states or {})
        self.ended = dict(ended or {})

    def serialize(self) -> tuple[str, dict[str, object]]:
        """Return the class and the arguments from which another process makes the same trigger."""
        arguments: dict[str, object] = {
            "targets": self.targets,
            "launchdarkly_conn_id": self.launchdarkly_conn_id,
            "policy": self.policy,
            "states": self.states,
            "ended": self.ended,
        }
        return f"{__name__}.{type(self).__name__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield the event for ``LaunchDarklyImportSensor.execute_complete``."""
        loop = asyncio.get_running_loop()
        earliest = loop.time() + MINIMUM_DELAY
        await asyncio.to_thread(import_module, "watcher.airflow.waits")  # takes too long for the event loop
        try:
            payload: Fired = {"ended": await self._wait()}
        except UsageError as error:
            payload = {"error": str(error), "outcome": Outcome.USAGE.value}
        except AirflowNotFoundException as error:
            payload = {"error": str(error), "outcome": Outcome.UNAVAILABLE.value}
        await asyncio.sleep(earliest - loop.time())
        yield TriggerEvent(payload)

    async def _wait(self) -> dict[str, Document]:
        """Return the results by API path once all imports are final."""
        from watcher.airflow.waits import Memory, Wait  # noqa: PLC0415 (run has imported it in a thread)

        policy = Policy.from_dict(self.policy)
        account = await self._account(patience=policy.outage_budget)
        memory = (await self._recall() or Memory(self.states, self.ended)).of(self.targets)
        token = token_reader(self.launchdarkly_conn_id)
        wait = Wait(self.targets, policy, token, account.base_uri, memory)
        async with aclosing(wait.follow(HEARTBEAT)) as events:
            async for event in events:
                line = wait.line(event)
                if line is None:
                    continue
                if not isinstance(event, Heartbeat):
                    await self._remember(memory)
                level, text = line
                self.log.log(level, "%s", text)
        return memory.ended

    async def _account(self, patience: float) -> LaunchDarklyAccount:
        """Return the account, which the sensor has found: if it is gone, a secrets backend may be down."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            try:
                return await get_account(self.launchdarkly_conn_id)
            except AirflowNotFoundException as error:
                left = began + patience - loop.time()
                if left <= 0:
                    raise
                self.log.warning("%s Looking again until the outage budget is used up.", error)
                await asyncio.sleep(min(left, CONNECTION_INTERVAL))

    async def _recall(self) -> Memory | None:
        """Return what a trigger that did not live to fire has stored; None if there is nothing."""
        from watcher.airflow.waits import Memory  # noqa: PLC0415 (run has imported it in a thread)

        owner = self._owner()
        if owner is None:
            return None
        try:
            return Memory.restored(await call(XCom.get_one, key=STATE_KEY, **owner))
        except AirflowRuntimeError as error:
            self.log.warning("state not read: %s. Lines of another triggerer may be repeated.", error)
            return None

    async def _remember(self, memory: Memory) -> None:
        owner = self._owner()
        if owner is None:
            return
        value = {"states": memory.states, "ended": memory.ended}
        try:
            await call(XCom.set, key=STATE_KEY, value=value, **owner)
        except AirflowRuntimeError as error:
            self.log.warning("state not stored: %s. Another triggerer would repeat the next lines.", error)

    def _owner(self) -> dict[str, str | int] | None:
        """Return the fields that name the task instance in XComs; None outside a triggerer."""
        instance = self.task_instance
        if instance is None:
            return None
        return {name: getattr(instance, name) for name in ("dag_id", "task_id", "run_id", "map_index")}
