"""What the product talks about: imports, their changes, and moments."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from watcher.core.text import printable

LATEST_CREATION_MS = 253_402_300_799_999
"""The end of the year 9999, in Unix milliseconds: no calendar of ours goes past it."""


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

    status: str
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

    source: str | None
    to: str
    at: Instant
    elapsed: float
    in_state: float | None
    expected: bool
