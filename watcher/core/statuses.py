"""The names of things: statuses of imports, and the ways in which a watch can end."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from watcher.core.text import printable

EXAMPLE_TARGET = "default/production/big-spenders/1234a567-bcd8-9123-4567-abcd1234567f"
"""How people name an import."""


class ImportStatus(StrEnum):
    """The statuses that LaunchDarkly's OpenAPI document lists for an import."""

    PREPARING = "preparing"
    PENDING_APPROVAL = "pending_approval"
    READY = "ready"
    IN_PROGRESS = "in_progress"
    COMPLETE = "complete"
    STOPPED = "stopped"


class UnknownStatus(str):
    """A status that this version does not know, made safe to print; the list was closed only in 2025."""

    __slots__ = ()


Status: TypeAlias = ImportStatus | UnknownStatus

_KNOWN = MappingProxyType({status.value: status for status in ImportStatus})


def status_named(name: str) -> Status:
    """Tells the known statuses from the others.

    Args:
        name: The status as the API wrote it.

    Returns:
        The member of that name, or the name itself as an unknown status.
    """
    known = _KNOWN.get(name)
    return UnknownStatus(printable(name, limit=60)) if known is None else known


class Outcome(StrEnum):
    """Every way in which a watch can end."""

    COMPLETE = "complete"
    REACHED = "reached"
    INTERNAL = "internal"
    USAGE = "usage"
    STOPPED = "stopped"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    PROTOCOL = "protocol"
    BLOCKED = "blocked"
    PENDING = "pending"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"


SUCCESSES = frozenset({Outcome.COMPLETE, Outcome.REACHED})
"""The outcomes that were waited for."""

NO_VERDICTS = frozenset({Outcome.PENDING, Outcome.INTERRUPTED})
"""The outcomes that say nothing of how the import ends."""


class UnknownStatusRule(StrEnum):
    """What a status outside the known six does."""

    WAIT = "wait"
    FAIL = "fail"
