"""Imports, their transitions, and instants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias
from urllib.parse import quote

from msgspec import Meta

from watcher.core.text import printable

LATEST_CREATION_MS = 253_402_300_799_999
"""The end of the year 9999, the last that ``datetime`` supports, in Unix milliseconds."""

UnixTime: TypeAlias = Annotated[float, Meta(ge=-6e10, le=2e11)]
"""Seconds since 1970 on the wall clock; a state file is refused outside the years 69 to 8307."""

Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=1e11)]
"""A length of time; a state file is refused outside these limits."""


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment in seconds on two clocks.

    Attributes:
        monotonic: A clock that never jumps; all rules use this one.
        unix: The wall clock, which may be wrong; for display and state files.
    """

    monotonic: float
    unix: UnixTime


@dataclass(frozen=True, slots=True)
class ImportRef:
    """One import, named by the four keys of its API path."""

    project: str
    environment: str
    segment: str
    import_id: str

    @property
    def path(self) -> str:
        """The import's API path, each key percent-encoded as one segment (RFC 3986, 3.3)."""
        project, environment, segment, import_id = (quote(key, safe="") for key in self.keys)
        return f"/api/v2/segments/{project}/{environment}/{segment}/imports/{import_id}"

    def __str__(self) -> str:
        """Return the four keys as a target, safe to print."""
        return "/".join(printable(key, limit=200) for key in self.keys)

    @property
    def keys(self) -> tuple[str, str, str, str]:
        """The four keys, in the order of the path."""
        return self.project, self.environment, self.segment, self.import_id


@dataclass(frozen=True, slots=True)
class ImportFile:
    """One file of an import; neither field is required by the API."""

    filename: str | None
    status: str | None


@dataclass(frozen=True, slots=True)
class Import:
    """An import as one response showed it; all text is safe to print.

    Attributes:
        mode: ``merge`` or ``replace``.
        created_ms: Creation time in Unix milliseconds; None if not given or implausible.
    """

    status: str
    mode: str | None = None
    created_ms: Annotated[int, Meta(ge=0, le=LATEST_CREATION_MS)] | None = None
    files: tuple[ImportFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of status as observed by polling.

    Attributes:
        source: The status before; None for the first observation.
        elapsed: Seconds since the wait began.
        in_state: Seconds in ``source``.
        expected: Whether the lifecycle leads from ``source`` to ``to``.
    """

    source: str | None
    to: str
    at: Instant
    elapsed: Seconds
    in_state: Seconds | None
    expected: bool
