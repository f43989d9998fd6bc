"""A wait for imports that moves from the worker to a triggerer, and on to others; free of Airflow."""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import msgspec

from watcher.api.targets import choose_base_uri, target_of
from watcher.core.errors import UsageError
from watcher.core.events import Ended, Event, Watching
from watcher.core.exit_codes import DEFAULT_CODES, ExitCodes
from watcher.core.messages.outcomes import goal
from watcher.core.policy import Policy
from watcher.core.statuses import SUCCESSES, Outcome
from watcher.library.calls import describe, shared, state_of
from watcher.reports.documents import import_document
from watcher.state import snapshot

Document = dict[str, object]
"""The part of the JSON result for one import."""

FIRST_POLL_BUDGET = 10.0
"""Longest outage in seconds during the first poll; the wait continues elsewhere with its own budget."""


_NOT_FINAL = frozenset({Outcome.PENDING, Outcome.UNAVAILABLE})


class WrongEventError(Exception):
    """A trigger's event is not the result of this wait; the message says why."""


class _Result(msgspec.Struct, frozen=True):
    """The fields of a result that decide; it has others."""

    target: str
    outcome: Outcome
    message: str


class _Fired(msgspec.Struct, frozen=True):
    """The payload of a trigger's event, with results or an error."""

    ended: dict[str, Document] | None = None
    error: str | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What a wait has seen, as JSON values; the keys are the API paths of the imports.

    Attributes:
        states: The states of imports that are not final, for ``resume``.
        ended: The results of the others.
    """

    states: dict[str, str] = field(default_factory=dict)
    ended: dict[str, Document] = field(default_factory=dict)

    def note(self, event: Event) -> None:
        """Remember an event."""
        path = event.ref.path
        if isinstance(event, Ended):
            document = import_document(event.ref, event.progress, event, ExitCodes())
            self.ended[path] = msgspec.json.decode(msgspec.json.encode(document))
            self.states.pop(path, None)
        else:
            self.states[path] = state_of(event)

    @classmethod
    def restored(cls, stored: object) -> Memory | None:
        """Return the memory that a process has stored; None if there is none or it is no memory."""
        try:
            return msgspec.convert(stored, cls)
        except msgspec.ValidationError:
            return None

    def of(self, targets: Iterable[str]) -> Memory:
        """Return the part about these targets: another wait may have stored the rest."""
        shown = _shown_targets(targets)
        states = {path: state for path, state in self.states.items() if path in shown}
        ended = {path: one for path, one in self.ended.items() if _is_result(one, shown.get(path))}
        return Memory(states, ended)

    def resumable(self) -> list[str]:
        """Return the states, without those of other versions of this package: their waits begin anew."""
        return [state for state in self.states.values() if _is_readable(state)]

    def waiting(self, targets: Iterable[str]) -> list[str]:
        """Return the targets that are not final."""
        return [target for target in targets if path_of(target) not in self.ended]

    def results(self, targets: Iterable[str]) -> list[Document]:
        """Return the results of targets that are all final, each import once."""
        return [self.ended[path] for path in dict.fromkeys(map(path_of, targets))]


def read_event(event: object, targets: Iterable[str]) -> list[Document] | tuple[Outcome, str]:
    """Return the results in a trigger's event, each import once; if there are none, outcome and reason.

    Raises:
        WrongEventError: The event is invalid, or is about other imports.
    """
    try:
        fired = msgspec.convert(event, _Fired)
    except msgspec.ValidationError:
        raise WrongEventError("it has neither results nor an error") from None
    if fired.error is not None and fired.outcome is not None:
        return fired.outcome, fired.error
    shown, ended = _shown_targets(targets), fired.ended or {}
    for path, target in shown.items():
        if not _is_result(ended.get(path), target):
            raise WrongEventError(f"it has no result for {target}")
    if ended.keys() != shown.keys():
        raise WrongEventError(f"it has results for {len(ended)} imports instead of {len(shown)}")
    return [ended[path] for path in shown]


def _shown_targets(targets: Iterable[str]) -> dict[str, str]:
    """Return each import as results name it, by its API path."""
    refs = (target_of(target).ref for target in targets)
    return {ref.path: str(ref) for ref in refs}


def _is_result(document: object, target: str | None) -> bool:
    try:
        return msgspec.convert(document, _Result).target == target
    except msgspec.ValidationError:
        return False


def _is_readable(state: str) -> bool:
    try:
        snapshot.decode(state)
    except UsageError:
        return False
    return True


def path_of(target: str) -> str:
    """Return the API path of a target.

    Raises:
        UsageError: The text names no import.
    """
    return target_of(target).ref.path


@dataclass(frozen=True, slots=True)
class Wait:
    """One wait for imports, in one process.

    Attributes:
        token: Reads the access token; always the same function for the same account.
        base_uri: Scheme and host of the API; None for the host of the targets, else the default.
        memory: What this wait and earlier ones have seen; it is updated before each event.
    """

    targets: Sequence[str]
    policy: Policy
    token: Callable[[], Awaitable[str]]
    base_uri: str | None
    memory: Memory

    async def poll_once(self) -> AsyncGenerator[Event, None]:
        """Ask for each import once, and yield the events; ``memory`` keeps those that are not final waiting.

        Raises:
            UsageError: A target, the token or the base URI is invalid; no request was sent.
        """
        budget = min(self.policy.outage_budget, FIRST_POLL_BUDGET)
        policy = replace(self.policy, once=True, remembered=True, outage_budget=budget)
        async with aclosing(replace(self, policy=policy).follow()) as events:
            async for event in events:
                if isinstance(event, Watching):
                    yield replace(event, goal=goal(self.policy, event.progress))
                    continue
                if isinstance(event, Ended) and event.outcome in _NOT_FINAL:
                    del self.memory.ended[event.ref.path]
                    self.memory.states[event.ref.path] = state_of(event)
                    if event.outcome is Outcome.PENDING and event.progress.status is not None:
                        continue  # its transition says it all
                yield event

    async def follow(self, heartbeat: float = math.inf) -> AsyncGenerator[Event, None]:
        """Watch the imports that are not final until they are, and yield the events.

        Args:
            heartbeat: Longest time in seconds without an event.

        Raises:
            UsageError: A target, the token or the base URI is invalid; no request was sent.
        """
        waiting = self.memory.waiting(self.targets)
        if not waiting:
            return
        states = self.memory.resumable()
        async with (
            shared(token=self.token, base_uri=self._base_uri()) as watcher,
            aclosing(
                watcher.watch(waiting, policy=self.policy, heartbeat=heartbeat, resume=states)
            ) as events,
        ):
            async for event in events:
                self.memory.note(event)
                yield event

    def line(self, event: Event) -> tuple[int, str] | None:
        """Return the logging level and the text of an event; None for a repetition."""
        described = describe(event)
        if described is None:
            return None
        level, text = described
        if isinstance(event, Ended) and event.ref.path not in self.memory.ended:
            level = min(level, logging.WARNING)  # the wait continues
        if len(self.targets) > 1 and not isinstance(event, Watching):
            text = f"{event.ref}: {text}"
        return level, text

    def _base_uri(self) -> str:
        return choose_base_uri(self.base_uri, map(target_of, self.targets), "a connection with the host")


def failure(results: Iterable[Mapping[str, object]]) -> tuple[Outcome, str] | None:
    """Return the outcome that decides and a message about every failed import; None if all succeeded."""
    failed = [(Outcome(str(result["outcome"])), result) for result in results]
    failed = [(outcome, result) for outcome, result in failed if outcome not in SUCCESSES]
    if not failed:
        return None
    decisive = min((outcome for outcome, _ in failed), key=DEFAULT_CODES.__getitem__)
    return decisive, "\n".join(f"{result['target']}: {result['message']}" for _, result in failed)
