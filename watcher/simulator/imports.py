"""The life of one import as a pure function of the time that has passed and of its approval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from watcher.simulator.scenarios import Status

if TYPE_CHECKING:
    from watcher.simulator.scenarios import Stage

_ENDED: Final = frozenset({Status.COMPLETE, Status.STOPPED, None})


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportLife:
    """Which status an import has when.

    All times are in seconds at speed 1, and all moments count from the import's creation.

    Args:
        stages: The timeline without a wait for approval.
        needs_approval: Whether the import waits for approval once it is prepared.
        approve_after: How long it waits until it is approved by itself; None is for ever.
        approved_at: When somebody approved it; None while nobody has.
    """

    stages: tuple[Stage, ...]
    needs_approval: bool = False
    approve_after: float | None = None
    approved_at: float | None = None

    def status_at(self, elapsed: float) -> Status | None:
        """Tells the status at a moment; None when the import is gone by then."""
        prepared_at = self.stages[1].at
        if self.needs_approval and elapsed >= prepared_at:
            approved_at = self.approved_at
            if approved_at is None and self.approve_after is not None:
                approved_at = prepared_at + self.approve_after
            if approved_at is None or elapsed < approved_at:
                return Status.PENDING_APPROVAL
            elapsed -= approved_at - prepared_at
        return next(stage.status for stage in reversed(self.stages) if elapsed >= stage.at)

    def ended_at(self, elapsed: float) -> bool:
        """Tells whether nothing will change any more: it is complete, stopped or gone."""
        return self.status_at(elapsed) in _ENDED
