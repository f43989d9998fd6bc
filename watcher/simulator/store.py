"""Every import of one server, and who has read it how often."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import uuid4

from watcher.simulator.errors import conflict, not_found
from watcher.simulator.imports import ImportLife

if TYPE_CHECKING:
    from watcher.simulator.scenarios import Fault, Scenario, Status
    from watcher.simulator.uploads import Upload


@dataclass(frozen=True, slots=True)
class SegmentKeys:
    """The three keys that name a segment."""

    project: str
    environment: str
    segment: str

    @property
    def path(self) -> str:
        """The segment's path in the API, percent-encoded."""
        keys = (self.project, self.environment, self.segment)
        return "/api/v2/segments/" + "/".join(quote(key, safe="") for key in keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImport:
    """One import.

    Args:
        import_id: What the API calls it.
        keys: The segment it goes into.
        upload: What its creator asked for.
        creation_time: When it was created, in Unix milliseconds.
        started: The same moment on the monotonic clock, in seconds.
        life: Which status it has when.
    """

    import_id: str
    keys: SegmentKeys
    upload: Upload
    creation_time: int
    started: float
    life: ImportLife

    @property
    def path(self) -> str:
        """The import's path in the API, percent-encoded."""
        return f"{self.keys.path}/imports/{self.import_id}"


class ImportStore:
    """Creates, finds and approves imports, all under one scenario.

    Args:
        scenario: What every import lives through.
        speed: How many times faster than real time.
        approve_after: Approves an import that has waited so long, in seconds at speed 1; None leaves that to
            the scenario.
        begin_when_read: Begins the life of each import at its first read, so that a reader who starts late
            sees all of it.
    """

    def __init__(
        self, scenario: Scenario, *, speed: float, approve_after: float | None, begin_when_read: bool = False
    ) -> None:
        self._scenario = scenario
        self._speed = speed
        self._begin_when_read = begin_when_read
        self._approve_after = scenario.approve_after if approve_after is None else approve_after
        self._imports: dict[str, StoredImport] = {}
        self._reads: Counter[tuple[str, Status | None]] = Counter()

    def create(self, keys: SegmentKeys, upload: Upload) -> StoredImport:
        """Begins an import.

        Raises:
            ApiError: Another import of the same project and environment has not ended.
        """
        for other in self._imports.values():
            same_place = (other.keys.project, other.keys.environment) == (keys.project, keys.environment)
            if same_place and not self._has_ended(other):
                raise conflict(f"The import {other.import_id} of this environment has not ended")
        life = ImportLife(
            stages=self._scenario.stages,
            needs_approval=upload.wait_on_approvals or self._scenario.needs_approval,
            approve_after=self._approve_after,
        )
        created = StoredImport(
            import_id=str(uuid4()),
            keys=keys,
            upload=upload,
            creation_time=round(time.time() * 1000),
            started=time.monotonic(),
            life=life,
        )
        self._imports[created.import_id] = created
        return created

    def find(self, keys: SegmentKeys, import_id: str) -> tuple[StoredImport, Status]:
        """Finds an import and its present status.

        Raises:
            ApiError: There is none of this name in this segment, or it is gone.
        """
        found = self._imports.get(import_id)
        if found is None or found.keys != keys:
            raise not_found()
        if self._begin_when_read and not self._reads[import_id, None]:
            found = self._imports[import_id] = replace(found, started=time.monotonic())
        status = found.life.status_at(self._elapsed(found))
        if status is None:
            raise not_found()
        return found, status

    def next_fault(self, read: StoredImport, status: Status) -> Fault | None:
        """Counts a read that found this status, and tell which fault it meets, if any."""
        self._reads[read.import_id, None] += 1
        self._reads[read.import_id, status] += 1
        return next(
            (
                injection.fault
                for injection in self._scenario.injections
                if injection.status in {None, status}
                and self._reads[read.import_id, injection.status] == injection.read
            ),
            None,
        )

    def approve(self, waiting: StoredImport) -> None:
        """Lets an import go on that waits for approval."""
        life = replace(waiting.life, approved_at=self._elapsed(waiting))
        self._imports[waiting.import_id] = replace(waiting, life=life)

    def is_importing(self, keys: SegmentKeys) -> bool:
        """Tells whether an import into this segment has not ended."""
        return any(stored.keys == keys and not self._has_ended(stored) for stored in self._imports.values())

    def _elapsed(self, stored: StoredImport) -> float:
        return (time.monotonic() - stored.started) * self._speed

    def _has_ended(self, stored: StoredImport) -> bool:
        return stored.life.ended_at(self._elapsed(stored))
