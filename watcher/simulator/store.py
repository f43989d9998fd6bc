"""The imports of one server: their creation, progress, approval, and reads."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from urllib.parse import quote
from uuid import uuid4

from aiohttp import web

from watcher.simulator.faults import Fault
from watcher.simulator.scenarios import FINAL, GONE, Scenario
from watcher.simulator.uploads import Upload


class SegmentKeys(NamedTuple):
    """The three keys of a segment."""

    project: str
    environment: str
    segment: str

    @property
    def path(self) -> str:
        """The segment's path in the API, percent-encoded."""
        return "/api/v2/segments/" + "/".join(quote(key, safe="") for key in self)


@dataclass(slots=True)
class StoredImport:
    """One import.

    Attributes:
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
    reads: Counter[str | None] = field(default_factory=Counter)

    @property
    def path(self) -> str:
        """The import's path in the API, percent-encoded."""
        return f"{self.keys.path}/imports/{self.import_id}"

    def next_fault(self, status: str) -> Fault | None:
        """Count a read that found this status, and return the fault that it meets."""
        self.reads.update((None, status))
        for injection in self.scenario.injections:
            if injection.status in {None, status} and self.reads[injection.status] == injection.read:
                return injection.fault
        return None


class ImportStore:
    """The imports of one server, with the arguments of `serve`."""

    def __init__(self, scenario: Scenario, *, speed: float, begin_when_read: bool = False) -> None:
        self._scenario = scenario
        self._speed = speed
        self._begin_when_read = begin_when_read
        self._imports: dict[str, StoredImport] = {}

    def create(self, keys: SegmentKeys, upload: Upload) -> StoredImport:
        """Start an import.

        Raises:
            web.HTTPConflict: Another import of the same project and environment is not final.
        """
        for other in self._unfinished():
            if (other.keys.project, other.keys.environment) == (keys.project, keys.environment):
                raise web.HTTPConflict
        needs_approval = upload.wait_on_approvals or self._scenario.needs_approval
        created = StoredImport(keys, upload, replace(self._scenario, needs_approval=needs_approval))
        self._imports[created.import_id] = created
        return created

    def find(self, keys: SegmentKeys, import_id: str) -> tuple[StoredImport, str]:
        """Return an import and its current status.

        Raises:
            web.HTTPNotFound: The segment has no such import, or the import is gone.
        """
        found = self._imports.get(import_id)
        if found is None or found.keys != keys:
            raise web.HTTPNotFound
        if self._begin_when_read and not found.reads:
            found.started = time.monotonic()
        status = self._status(found)
        if status == GONE:
            raise web.HTTPNotFound
        return found, status

    def approve(self, waiting: StoredImport) -> None:
        """Approve an import that waits for approval."""
        waiting.approved_at = self._elapsed(waiting)

    def is_importing(self, keys: SegmentKeys) -> bool:
        """Return whether an import into this segment is not final."""
        return any(stored.keys == keys for stored in self._unfinished())

    def _unfinished(self) -> Iterator[StoredImport]:
        return (stored for stored in self._imports.values() if self._status(stored) not in FINAL)

    def _elapsed(self, stored: StoredImport) -> float:
        return (time.monotonic() - stored.started) * self._speed

    def _status(self, stored: StoredImport) -> str:
        return stored.scenario.status_at(self._elapsed(stored), stored.approved_at)
