"""The simulator's store: reads and their faults."""

from __future__ import annotations

from watcher.simulator.faults import Fault
from watcher.simulator.scenarios import SCENARIOS
from watcher.simulator.store import ImportStore, SegmentKeys
from watcher.simulator.uploads import Upload


def test_a_fault_of_one_status_is_met_only_in_that_status() -> None:
    """A late reader does not meet faults of a status that has passed."""
    store = ImportStore(SCENARIOS["demo"], speed=1.0)
    keys = SegmentKeys("default", "production", "big-spenders")
    created = store.create(keys, Upload(filename="keys.csv", mode="merge", wait_on_approvals=False))
    statuses = ["preparing", "preparing", "in_progress", "in_progress", "complete"]
    met = [created.next_fault(status) for status in statuses]
    assert met == [None, Fault.BAD_GATEWAY, None, Fault.THROTTLED_ADDRESS, None]
