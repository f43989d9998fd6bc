"""The statuses of an import and the outcomes of a wait."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NewType, TypeAlias

from watcher.core.text import printable


class ImportStatus(StrEnum):
    """The statuses that LaunchDarkly's OpenAPI document lists for an import."""

    PREPARING = "preparing"
    PENDING_APPROVAL = "pending_approval"
    READY = "ready"
    IN_PROGRESS = "in_progress"
    COMPLETE = "complete"
    STOPPED = "stopped"


Status: TypeAlias = str
"""A status of an import: a member of ``ImportStatus`` if known, else a plain string that is safe to print.

The API document closed the list only in 2025, so LaunchDarkly may add statuses.
"""

UnknownStatus = NewType("UnknownStatus", str)
"""A status that is not a member of ``ImportStatus``; at run time a plain string."""

_KNOWN: dict[str, ImportStatus] = {status: status for status in ImportStatus}


def parse_status(name: str) -> Status:
    """Return the member of that name, or the name itself in a form that is safe to print.

    An unknown status must not look like a known one, so all characters except ASCII are escaped, and so are
    spaces around it.
    """
    return _KNOWN.get(name) or _distinct(printable(name, limit=60))


def _distinct(text: str) -> str:
    plain = text.encode("ascii", errors="backslashreplace").decode()
    return re.sub("^ +| +$", lambda spaces: r"\u0020" * len(spaces[0]), plain)


class Outcome(StrEnum):
    """How a wait or a whole run can end."""

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

    @property
    def worth_retrying(self) -> bool:
        """Whether the same wait may succeed later although nothing is changed; true for two outcomes.

        ``unavailable`` is a network or service that failed, ``internal`` a defect of this package. All other
        outcomes are answers: another wait would end in the same way, or needs more time or a decision.
        """
        return self in {Outcome.UNAVAILABLE, Outcome.INTERNAL}


SUCCESSES = frozenset({Outcome.COMPLETE, Outcome.REACHED})

INCONCLUSIVE = frozenset({Outcome.PENDING, Outcome.INTERRUPTED})
"""Outcomes after which the import itself may still complete or fail."""


class UnknownStatusRule(StrEnum):
    """How to handle an unknown status."""

    WAIT = "wait"
    FAIL = "fail"
