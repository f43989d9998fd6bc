"""The imports of one server: their creation, progress, approval, and reads."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import uuid4

from watcher.simulator.errors import ApiError, Error
from watcher.simulator.scenarios import FINAL

if TYPE_CHECKING:
    from watcher.simulator.faults import Fault
    from watcher.simulator.scenarios import Scenario, Status
    from watcher.simulator.uploads import Upload


@dataclass(frozen=True, slots=True)
class SegmentKeys:
    """The three keys of a segment."""

    project: str
    environment: str
    segment: str

    @property
    def path(self) -> str:
        """The segment's path in the API, percent-encoded."""
        keys = (self.project, self.environment, self.segment)
        return "/api/v2/segments/" + "/".join(quote(key, safe="") for key in keys)


@dataclass(slots=True, kw_only=True)
class StoredImport:
    """One import.

    Args:
        creation_time: Unix milliseconds.
        started: The start of the scenario, in seconds of the monotonic clock.
        approved_at: Seconds at speed 1 from the start to the approval; None if nobody has approved it.
        reads: Number of reads, in total (None) and in each status.
    """

    keys: SegmentKeys
    upload: Upload
    scenario: Scenario
    import_id: str = field(default_factory=lambda: str(uuid4()))
    creation_time: int = field(default_factory=lambda: round(time.time() * 1000))
    started: float = field(default_factory=time.monotonic)
    approved_at: float | None = None
    reads: Counter[Status | None] = field(default_factory=Counter)

    @property
    def path(self) -> str:
        """The import's path in the API, percent-encoded."""
        return f"{self.keys.path}/imports/{self.import_id}"

    def next_fault(self, status: Status) -> Fault | None:
        """Count a read that found this status, and return the fault that it meets."""
        self.reads.update((None, status))
        for injection in self.scenario.injections:
            if injection.status in {None, status} and self.reads[injection.status] == injection.read:
                return injection.fault
        return None


class ImportStore:
    """The imports of one server.

    Args:
        scenario: The life of every import.
        speed: How many times faster than real time imports progress.
        begin_when_read: Start the life of each import at its first read, for readers that start slowly.
    """

    def __init__(self, scenario: Scenario, *, speed: float, begin_when_read: bool = False) -> None:
        self._scenario = scenario
        self._speed = speed
        self._begin_when_read = begin_when_read
        self._imports: dict[str, StoredImport] = {}

    def create(self, keys: SegmentKeys, upload: Upload) -> StoredImport:
        """Start an import.

        Raises:
            ApiError: Another import of the same project and environment is not final.
        """
        for other in self._imports.values():
            same_place = (other.keys.project, other.keys.environment) == (keys.project, keys.environment)
            if same_place and not self._is_final(other):
                message = f"The import {other.import_id} of this environment is not final"
                raise ApiError(Error.CONFLICT, message)
        needs_approval = upload.wait_on_approvals or self._scenario.needs_approval
        scenario = replace(self._scenario, needs_approval=needs_approval)
        created = StoredImport(keys=keys, upload=upload, scenario=scenario)
        self._imports[created.import_id] = created
        return created

    def find(self, keys: SegmentKeys, import_id: str) -> tuple[StoredImport, Status]:
        """Return an import and its current status.

        Raises:
            ApiError: The segment has no such import, or the import is gone.
        """
        found = self._imports.get(import_id)
        if found is None or found.keys != keys:
            raise ApiError(Error.NOT_FOUND)
        if self._begin_when_read and not found.reads:
            found.started = time.monotonic()
        status = self._status(found)
        if status is None:
            raise ApiError(Error.NOT_FOUND)
        return found, status

    def approve(self, waiting: StoredImport) -> None:
        """Approve an import that waits for approval."""
        waiting.approved_at = self._elapsed(waiting)

    def is_importing(self, keys: SegmentKeys) -> bool:
        """Return whether an import into this segment is not final."""
        return any(stored.keys == keys and not self._is_final(stored) for stored in self._imports.values())

    def _elapsed(self, stored: StoredImport) -> float:
        return (time.monotonic() - stored.started) * self._speed

    def _status(self, stored: StoredImport) -> Status | None:
        return stored.scenario.status_at(self._elapsed(stored), stored.approved_at)

    def _is_final(self, stored: StoredImport) -> bool:
        return self._status(stored) in FINAL
