"""What the product talks about: imports, their statuses, moments, and the ways a wait can end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias
from urllib.parse import quote

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


def status_named(name: str) -> Status:
    """Tells the known statuses from the others.

    Args:
        name: The status as the API wrote it.

    Returns:
        The member of that name, or the name itself as an unknown status.
    """
    try:
        return ImportStatus(name)
    except ValueError:
        return UnknownStatus(printable(name, limit=60))


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


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment on two clocks.

    Attributes:
        monotonic: Seconds on a clock that never jumps; all rules count on this one.
        unix: Seconds since 1970 on the wall clock, for telling people; it may be wrong.
    """

    monotonic: float
    unix: float


@dataclass(frozen=True, slots=True)
class ImportRef:
    """Names one import by the four keys of its API path.

    Attributes:
        project: The project key.
        environment: The environment key.
        segment: The segment key.
        import_id: The import's ID.
    """

    project: str
    environment: str
    segment: str
    import_id: str

    @property
    def path(self) -> str:
        """The import's API path, each key percent-encoded as one segment (RFC 3986, 3.3)."""
        project, environment, segment, import_id = (
            quote(key, safe="") for key in (self.project, self.environment, self.segment, self.import_id)
        )
        return f"/api/v2/segments/{project}/{environment}/{segment}/imports/{import_id}"

    def __str__(self) -> str:
        """The four keys as a target names them, safe to print."""
        keys = (self.project, self.environment, self.segment, self.import_id)
        return "/".join(printable(key, limit=200) for key in keys)


@dataclass(frozen=True, slots=True)
class ImportFile:
    """One file of an import; the API requires neither field."""

    filename: str | None
    status: str | None


@dataclass(frozen=True, slots=True)
class Import:
    """An import as one answer of the API showed it; all text is safe to print.

    Attributes:
        status: Where it stands.
        mode: ``merge`` or ``replace``, where the API said so.
        created_ms: Creation time in Unix milliseconds, where the API gave a plausible one.
        files: Its files.
    """

    status: Status
    mode: str | None = None
    created_ms: int | None = None
    files: tuple[ImportFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of status as the polls saw it.

    Attributes:
        source: The status before; None for the first sight.
        to: The status after.
        at: When the answer that showed it came.
        elapsed: Seconds since the wait began.
        in_state: Seconds for which ``source`` was seen; None for the first sight.
        expected: Whether the lifecycle leads from ``source`` to ``to``.
    """

    source: Status | None
    to: Status
    at: Instant
    elapsed: float
    in_state: float | None
    expected: bool
