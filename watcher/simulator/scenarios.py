"""The scenarios by name: what an import lives through, and what goes wrong while somebody watches it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class Status(StrEnum):
    """What the API says about an import: LaunchDarkly's six, and one that nobody knows."""

    PREPARING = "preparing"
    PENDING_APPROVAL = "pending_approval"
    READY = "ready"
    IN_PROGRESS = "in_progress"
    COMPLETE = "complete"
    STOPPED = "stopped"
    VALIDATING = "validating"


class Fault(StrEnum):
    """What one read of an import meets in place of a good answer."""

    THROTTLED_BARE = "429 without any header that says how long"
    THROTTLED_GLOBAL = "429 by the account's limit, which resets a second later"
    THROTTLED_TOKEN = "429 by the access token's limit, which resets a second later"  # noqa: S105 - prose
    THROTTLED_ADDRESS = "429 by the address's limit, with Retry-After: 1"
    INTERNAL_ERROR = "500 with a JSON body"
    BAD_GATEWAY = "502 with an HTML body"
    UNAVAILABLE = "503 with Retry-After: 1 and no body"
    NOT_JSON = "200 with an HTML body"
    SLOW = "a good answer, two seconds late at speed 1"
    DROPPED_BEFORE = "the connection drops before the answer"
    DROPPED_WITHIN = "the connection drops within the body"


@dataclass(frozen=True, slots=True)
class Stage:
    """A status and when it begins.

    Args:
        at: Seconds since the creation, at speed 1 and without a wait for approval.
        status: What the API says from then on; None when the import is gone.
    """

    at: float
    status: Status | None


@dataclass(frozen=True, slots=True)
class Injection:
    """A fault and the one read that meets it.

    Args:
        read: Which read of the import, counted from 1.
        fault: What that read meets.
        status: Counts only the reads that find this status; None counts them all.
    """

    read: int
    fault: Fault
    status: Status | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """The life of every import that is created under it.

    Args:
        stages: The timeline in order; the first is at 0, the last one has no end. A wait for approval comes
            between the first and the second, and delays the second and all after it.
        needs_approval: Whether an import waits for approval even when its creator did not ask for it.
        approve_after: How long it waits until it is approved by itself, in seconds at speed 1; None waits for
            somebody.
        injections: The faults that the reads of each import meet.
    """

    stages: tuple[Stage, ...]
    needs_approval: bool = False
    approve_after: float | None = None
    injections: tuple[Injection, ...] = ()


_TEN_SECONDS: Final = (
    Stage(0.0, Status.PREPARING),
    Stage(2.5, Status.READY),
    Stage(5.0, Status.IN_PROGRESS),
    Stage(10.0, Status.COMPLETE),
)

# Long enough for a client that asks about once a second to meet all of the faults.
_FIFTEEN_SECONDS: Final = (
    Stage(0.0, Status.PREPARING),
    Stage(4.0, Status.READY),
    Stage(8.0, Status.IN_PROGRESS),
    Stage(15.0, Status.COMPLETE),
)

SCENARIOS: Final[Mapping[str, Scenario]] = {
    "happy": Scenario(stages=_TEN_SECONDS),
    "approval": Scenario(stages=_TEN_SECONDS, needs_approval=True),
    "stopped": Scenario(
        stages=(
            Stage(0.0, Status.PREPARING),
            Stage(2.5, Status.READY),
            Stage(5.0, Status.IN_PROGRESS),
            Stage(8.0, Status.STOPPED),
        ),
    ),
    "stuck": Scenario(
        stages=(Stage(0.0, Status.PREPARING), Stage(2.5, Status.READY), Stage(5.0, Status.IN_PROGRESS)),
    ),
    "throttled": Scenario(
        stages=_FIFTEEN_SECONDS,
        # In a row, so that a client cannot reach the end without having met all of them. The bare one comes
        # first: a client that counts 429s would wait longest for it as the last of a row.
        injections=(
            Injection(2, Fault.THROTTLED_BARE),
            Injection(3, Fault.THROTTLED_GLOBAL),
            Injection(4, Fault.THROTTLED_TOKEN),
            Injection(5, Fault.THROTTLED_ADDRESS),
        ),
    ),
    "flaky": Scenario(
        stages=_FIFTEEN_SECONDS,
        injections=(
            Injection(2, Fault.INTERNAL_ERROR),
            Injection(3, Fault.BAD_GATEWAY),
            # Twice, because HTTP clients quietly repeat a GET whose connection has dropped.
            Injection(5, Fault.DROPPED_BEFORE),
            Injection(6, Fault.DROPPED_BEFORE),
            Injection(7, Fault.DROPPED_WITHIN),
            Injection(9, Fault.UNAVAILABLE),
            Injection(10, Fault.NOT_JSON),
            Injection(11, Fault.SLOW),
        ),
    ),
    "vanish": Scenario(stages=(Stage(0.0, Status.PREPARING), Stage(2.5, Status.READY), Stage(5.0, None))),
    "unknown-status": Scenario(
        stages=(
            Stage(0.0, Status.PREPARING),
            Stage(2.5, Status.VALIDATING),
            Stage(5.0, Status.READY),
            Stage(7.5, Status.IN_PROGRESS),
            Stage(10.0, Status.COMPLETE),
        ),
    ),
    # Pending approval from 1.8 to 3.6, hence complete at 9.0.
    "demo": Scenario(
        stages=(
            Stage(0.0, Status.PREPARING),
            Stage(1.8, Status.READY),
            Stage(3.6, Status.IN_PROGRESS),
            Stage(7.2, Status.COMPLETE),
        ),
        needs_approval=True,
        approve_after=1.8,
        # The 429 comes in a status that has been seen already and that only a final one follows, so that the
        # wait it asks for cannot hide any other status from whoever watches.
        injections=(
            Injection(2, Fault.BAD_GATEWAY),
            Injection(2, Fault.THROTTLED_ADDRESS, status=Status.IN_PROGRESS),
        ),
    ),
}
