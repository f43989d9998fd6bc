"""The scenarios: the statuses that an import goes through, and the faults that its readers meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from watcher.simulator.faults import Fault

PENDING_APPROVAL: Final = "pending_approval"
GONE: Final = "gone"
"""The status of an import that has been removed."""

FINAL: Final = frozenset({"complete", "stopped", GONE})
"""The statuses that do not change any more."""


class Stage(NamedTuple):
    """A status and its start, in seconds at speed 1 without an approval."""

    at: float
    status: str


class Injection(NamedTuple):
    """A fault and the read that meets it, counted from 1 among the reads of `status` (None: among all)."""

    read: int
    fault: Fault
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """The life of an import.

    Attributes:
        stages: The timeline. The first stage starts at 0, the last one has no end. A wait for approval comes
            after the first stage and delays the others.
        approve_after: Seconds at speed 1 until a waiting import is approved automatically; None is never.
        relative_location: Whether the `Location` of a new import is a path instead of a URL.
        injections: The faults.
    """

    stages: tuple[Stage, ...]
    needs_approval: bool = False
    approve_after: float | None = None
    relative_location: bool = False
    injections: tuple[Injection, ...] = ()

    def status_at(self, elapsed: float, approved_at: float | None = None) -> str:
        """Return the status; both times are seconds since the creation, at speed 1."""
        prepared_at = self.stages[1].at
        if self.needs_approval and elapsed >= prepared_at:
            if approved_at is None and self.approve_after is not None:
                approved_at = prepared_at + self.approve_after
            if approved_at is None or elapsed < approved_at:
                return PENDING_APPROVAL
            elapsed -= approved_at - prepared_at
        return next(stage.status for stage in reversed(self.stages) if elapsed >= stage.at)


def _in_a_row(first_read: int, *faults: Fault) -> tuple[Injection, ...]:
    return tuple(Injection(read, fault) for read, fault in enumerate(faults, first_read))


def _timeline(**starts: float) -> tuple[Stage, ...]:
    """Return the stages; `preparing` starts at 0, and the others at these seconds."""
    return (Stage(0.0, "preparing"), *(Stage(at, status) for status, at in starts.items()))


_TEN_SECONDS: Final = _timeline(ready=2.5, in_progress=5.0, complete=10.0)

# Long enough for a client that polls about once a second to meet all faults.
_FIFTEEN_SECONDS: Final = _timeline(ready=4.0, in_progress=8.0, complete=15.0)

SCENARIOS: Final[Mapping[str, Scenario]] = {
    "happy": Scenario(_TEN_SECONDS),
    "approval": Scenario(_TEN_SECONDS, needs_approval=True),
    "stopped": Scenario(_timeline(ready=2.5, in_progress=5.0, stopped=8.0)),
    "stuck": Scenario(_timeline(ready=2.5, in_progress=5.0)),
    # In a row, so that no client reaches the end without meeting all of them. The bare 429 comes first
    # because clients that back off exponentially would wait longest for it as the last of a row.
    "throttled": Scenario(
        _FIFTEEN_SECONDS,
        injections=_in_a_row(
            2,
            Fault.THROTTLED_BARE,
            Fault.THROTTLED_GLOBAL,
            Fault.THROTTLED_TOKEN,
            Fault.THROTTLED_ADDRESS,
        ),
    ),
    "flaky": Scenario(
        _FIFTEEN_SECONDS,
        injections=(
            *_in_a_row(2, Fault.INTERNAL_ERROR, Fault.BAD_GATEWAY, Fault.SPARSE),
            # Twice, because HTTP clients silently repeat a GET if the connection drops.
            *_in_a_row(5, Fault.DROPPED_BEFORE, Fault.DROPPED_BEFORE, Fault.DROPPED_WITHIN),
            *_in_a_row(9, Fault.UNAVAILABLE, Fault.LOGIN_PAGE, Fault.SLOW),
        ),
    ),
    # A firewall is in the way at first, and the gateway is redeployed while the import runs.
    "gateway": Scenario(
        _FIFTEEN_SECONDS,
        relative_location=True,
        injections=(
            *_in_a_row(1, Fault.FIREWALL, Fault.SPARSE),
            # Twice, because clients may confirm an error with a second read.
            *_in_a_row(3, Fault.NO_BACKEND, Fault.NO_BACKEND, Fault.BAD_GATEWAY, Fault.EMPTY),
            *_in_a_row(7, Fault.LOGIN_REDIRECT, Fault.FIREWALL, Fault.FIREWALL),
        ),
    ),
    "vanish": Scenario(_timeline(ready=2.5, gone=5.0)),
    "unknown-status": Scenario(_timeline(validating=2.5, ready=5.0, in_progress=7.5, complete=10.0)),
    # The wait for approval is from 1.8 to 3.6, so the import is complete at 9.0 (`--demo` approves later).
    "demo": Scenario(
        _timeline(ready=1.8, in_progress=3.6, complete=7.2),
        needs_approval=True,
        approve_after=1.8,
        # The 429 comes in the last status before `complete`: its hold cannot hide another status.
        injections=(
            Injection(2, Fault.BAD_GATEWAY),
            Injection(2, Fault.THROTTLED_ADDRESS, "in_progress"),
        ),
    ),
}
