"""The sensor: polls once in the worker, and leaves the rest of the wait to a trigger."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk import BaseSensorOperator

from watcher.airflow.compat import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    conf,
)
from watcher.airflow.form import DEFAULT_CONNECTION
from watcher.airflow.hooks import LaunchDarklyHook, token_reader
from watcher.airflow.triggers import HEARTBEAT, LaunchDarklyImportTrigger
from watcher.core import defaults
from watcher.core.errors import UsageError
from watcher.core.policy import Policy
from watcher.core.statuses import ImportStatus, Outcome

if TYPE_CHECKING:  # imported when the task runs, to keep the parsing of DAG files fast
    from airflow.sdk import Context

    from watcher.airflow.waits import Document, Wait
    from watcher.core.events import Event

_GRACE = timedelta(minutes=5)
"""How long after the timeout Airflow ends a trigger that did not fire, such as one that no triggerer runs."""


class LaunchDarklyImportSensor(BaseSensorOperator):
    """Wait until LaunchDarkly big-segment imports are complete.

    The wait ends after Airflow's ``timeout``. The polls follow the package's own schedule, so
    ``poke_interval`` and ``exponential_backoff`` have no effect. Without ``deferrable`` the task occupies its
    worker slot.

    Returns the import's part of the JSON result, or a list of them if ``target`` is a list.

    Raises ``AirflowSensorTimeout`` after the timeout, ``AirflowFailException`` for outcomes that a retry
    cannot change, and ``AirflowException`` for others. With ``soft_fail`` a timeout skips the task, and with
    ``never_fail`` every failure does.

    Args:
        target: The import: project/environment/segment/import-id, an API path or an API URL, such as the
            ``Location`` of the response that created it; or a list of imports to watch together (templated).
        until: Succeed at this status or one past it.
        fail_on: Fail at these statuses, such as ``pending_approval`` where nobody will approve.
        max_in_state: Longest time in a status, in seconds or as a timedelta.
        outage_budget: Longest time without a usable response, likewise; None for no limit.
        launchdarkly_conn_id: The connection ID (templated).
        deferrable: Wait in the triggerer. The default is the setting ``[operators] default_deferrable``.
    """

    template_fields: Sequence[str] = ("target", "launchdarkly_conn_id")
    ui_color = "#e8f4fa"

    def __init__(
        self,
        *,
        target: str | Sequence[str],
        until: str = ImportStatus.COMPLETE.value,
        fail_on: Iterable[str] = (),
        max_in_state: Mapping[str, float | timedelta] | None = None,
        outage_budget: float | timedelta | None = defaults.OUTAGE_BUDGET,
        launchdarkly_conn_id: str = DEFAULT_CONNECTION,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.target: object = target
        self.until = until
        self.fail_on = (fail_on,) if isinstance(fail_on, str) else tuple(fail_on)
        self.max_in_state = dict(max_in_state or {})
        self.outage_budget = outage_budget
        self.launchdarkly_conn_id = launchdarkly_conn_id
        self.deferrable = deferrable
        self._policy()  # a wrong argument is an error of the DAG file
        if self.reschedule and not deferrable:
            raise ValueError(
                "mode='reschedule' is not supported, because it forgets the wait between two polls. Set "
                "deferrable=True, which also frees the worker slot."
            )

    def execute(self, context: Context) -> Document | list[Document]:
        """Poll once, and return the result or leave the wait to the trigger."""
        try:
            wait = self._wait()
            asyncio.run(self._log(wait, wait.poll_once() if self.deferrable else wait.follow(HEARTBEAT)))
        except UsageError as error:
            raise self._failure(Outcome.USAGE, str(error)) from None
        if wait.memory.waiting(wait.targets):
            self._leave_to_trigger(wait)
        return self._conclude(wait.memory.results(wait.targets))

    def execute_complete(self, context: Context, event: object) -> Document | list[Document]:
        """Return the result that the trigger fired, or raise the exception for it."""
        from watcher.airflow.waits import WrongEventError, read_event  # noqa: PLC0415 (see above)

        try:
            fired = read_event(event, self._targets())
        except UsageError as error:
            raise self._failure(Outcome.USAGE, str(error)) from None
        except WrongEventError as error:
            reason = f"unusable trigger event: {error}. Clear the task to wait again."
            raise self._failure(Outcome.INTERNAL, reason) from None
        if isinstance(fired, tuple):
            raise self._failure(*fired)
        return self._conclude(fired)

    def _policy(self) -> Policy:
        return Policy(
            until=ImportStatus(self.until),
            fail_on=frozenset(map(ImportStatus, self.fail_on)),
            timeout=self.timeout,
            max_in_state={
                ImportStatus(status): _seconds(limit) for status, limit in self.max_in_state.items()
            },
            outage_budget=_seconds(self.outage_budget),
        )

    def _wait(self) -> Wait:
        from watcher.airflow.waits import Memory, Wait  # noqa: PLC0415 (see above)

        account = LaunchDarklyHook(self.launchdarkly_conn_id).get_conn()
        token = token_reader(self.launchdarkly_conn_id)
        return Wait(self._targets(), self._policy(), token, account.base_uri, Memory())

    def _leave_to_trigger(self, wait: Wait) -> None:
        """End this run of the task; Airflow continues at ``execute_complete``."""
        waiting, all_ = len(wait.memory.waiting(wait.targets)), len(wait.targets)
        self.log.info(
            "%snot final yet: waiting in the triggerer", "" if all_ == 1 else f"{waiting} of {all_} "
        )
        trigger = LaunchDarklyImportTrigger(
            targets=wait.targets,
            launchdarkly_conn_id=self.launchdarkly_conn_id,
            policy=wait.policy.to_dict(),
            states=wait.memory.states,
            ended=wait.memory.ended,
        )
        timeout = timedelta(seconds=self.timeout) + _GRACE
        self.defer(trigger=trigger, method_name="execute_complete", timeout=timeout)

    def _targets(self) -> list[str]:
        """Return the targets; a template can render to anything."""
        if isinstance(self.target, str):
            return [self.target]
        targets = list(self.target) if isinstance(self.target, Iterable) else [self.target]
        names = [target for target in targets if isinstance(target, str)]
        if not targets or len(names) < len(targets):
            raise UsageError(
                "target must be an import or a list of imports, each as text. Check its template."
            )
        return names

    async def _log(self, wait: Wait, events: AsyncGenerator[Event, None]) -> None:
        async with aclosing(events):
            async for event in events:
                line = wait.line(event)
                if line is not None:
                    self.log.log(line[0], "%s", line[1])

    def _conclude(self, results: list[Document]) -> Document | list[Document]:
        from watcher.airflow.waits import failure  # noqa: PLC0415 (see above)

        failed = failure(results)
        if failed is not None:
            raise self._failure(*failed)
        return results[0] if isinstance(self.target, str) else results

    def _failure(self, outcome: Outcome, message: str) -> AirflowException:
        if self.never_fail or (self.soft_fail and outcome is Outcome.TIMEOUT):
            return AirflowSkipException(message)
        if outcome is Outcome.TIMEOUT:
            return AirflowSensorTimeout(message)
        return AirflowException(message) if outcome.worth_retrying else AirflowFailException(message)


def _seconds(length: float | timedelta | None) -> float:
    if length is None:
        return math.inf
    return length.total_seconds() if isinstance(length, timedelta) else length
