"""A scenario: imports and their lives, the environment, and the settings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watcher.core.model import ImportRef
    from watcher.core.policy import Policy
    from watcher.core.statuses import Outcome


class PlannedFault(Enum):
    """Everything that can replace the correct response."""

    DROP = auto()
    SILENCE = auto()
    UNKNOWN_HOST = auto()
    UNTRUSTED = auto()
    BAD_GATEWAY = auto()
    UNAVAILABLE = auto()
    UNAVAILABLE_SECONDS = auto()
    UNAVAILABLE_DATE = auto()
    REQUEST_TIMEOUT = auto()
    LOGIN_PAGE = auto()
    EMPTY = auto()
    CUT_OFF = auto()
    NO_STATUS = auto()
    NOT_UTF8 = auto()
    NO_CONTENT = auto()
    FOREIGN_ID = auto()
    FOREIGN_SEGMENT = auto()
    REDIRECT = auto()
    BAD_REQUEST = auto()
    UNAUTHORIZED = auto()
    ROTATED_TOKEN = auto()
    FORBIDDEN = auto()
    NOT_FOUND = auto()
    GONE = auto()
    BARE_REFUSAL = auto()
    REFUSING_PAGE = auto()
    BARE_FORBIDDEN = auto()
    FOREIGN_JSON = auto()
    UNAUTHORIZED_PAGE = auto()
    MISSING_PAGE = auto()
    BARE_GONE = auto()
    ERROR_ENVELOPE = auto()
    CONFLICT = auto()
    MISDIRECTED = auto()
    CLOSED_REQUEST = auto()


class LimitKind(Enum):
    """The four rate limits of LaunchDarkly."""

    ACCOUNT = auto()
    ROUTE = auto()
    TOKEN = auto()
    ADDRESS = auto()


class Told(Enum):
    """Which responses have a limit's headers."""

    ALWAYS = auto()
    REFUSALS = auto()
    NEVER = auto()


class ResetStyle(Enum):
    """The form of a reset header."""

    TRUE = auto()
    MINUTE_AWAY = auto()
    PAST = auto()
    SECONDS = auto()
    ABSURD = auto()
    GARBAGE = auto()
    MISSING = auto()


class DateStyle(Enum):
    """The form of the ``Date`` header."""

    TRUE = auto()
    MISSING = auto()
    GARBAGE = auto()


@dataclass(frozen=True, slots=True)
class Phase:
    """A status from ``begins`` on; None means no such import."""

    begins: float
    shown: str | None


@dataclass(frozen=True, slots=True)
class Outage:
    """A period of faults for the import at position ``victim``, or for all if it is None."""

    begins: float
    ends: float
    faults: tuple[PlannedFault, ...]
    victim: int | None = None


@dataclass(frozen=True, slots=True)
class LimitRule:
    """One rate limit.

    Attributes:
        kind: The kind of limit.
        size: Requests in each window of ten seconds.
        told: On which answers its headers stand.
        others: Largest share of a window that other users of the account spend.
        resets: What its reset header says.
        sized: Whether a header tells the size; those that LaunchDarkly documents do not.
    """

    kind: LimitKind
    size: int
    told: Told
    others: float
    resets: ResetStyle
    sized: bool


@dataclass(frozen=True, slots=True)
class Latency:
    """Round-trip times in seconds, log-uniform; ``outward`` is the request's share."""

    least: float
    most: float
    outward: float


@dataclass(frozen=True, slots=True)
class World:
    """LaunchDarkly, the network, and the watcher's clock.

    Attributes:
        latency: The round-trip times.
        limits: The rate limits in force.
        outages: Stretches of faults.
        blips: Chance of a single fault on any request.
        blip_faults: Which faults those are.
        dates: The form of the ``Date`` header.
        holds: Chance that an answer other than a refusal carries ``Retry-After``.
        skew: How far the watcher's wall clock is ahead, in seconds.
    """

    latency: Latency
    limits: tuple[LimitRule, ...] = ()
    outages: tuple[Outage, ...] = ()
    blips: float = 0.0
    blip_faults: tuple[PlannedFault, ...] = ()
    dates: DateStyle = DateStyle.TRUE
    holds: float = 0.0
    skew: float = 0.0


@dataclass(frozen=True, slots=True)
class Interrupt:
    """A signal at a time."""

    at: float
    signal: int


@dataclass(frozen=True, slots=True)
class Wishes:
    """All settings besides the policy of each wait.

    Attributes:
        any_suffices: ``--any``.
        fail_fast: ``--fail-fast``.
        heartbeat: Longest silence in seconds.
        request_timeout: One request in seconds.
        remapped: Exit codes of the user's.
        interrupt: A signal that the user sends.
    """

    any_suffices: bool
    fail_fast: bool
    heartbeat: float
    request_timeout: float
    remapped: Mapping[Outcome, int]
    interrupt: Interrupt | None


class Flavour(Enum):
    """The kinds of scenarios."""

    CALM = "calm"
    FAULTY = "faulty"
    LIMITED = "limited"
    MIXED = "mixed"
    POLITE = "polite"
    TIGHT = "tight"
    CROWD = "crowd"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Stall:
    """A consumer that reads no event for a while, from a time after its group joined; in seconds."""

    begins: float
    length: float


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """One group of imports among others that share a loop.

    Attributes:
        positions: The positions of its imports in the scenario.
        joins: When it joins, in seconds.
        leaves: Seconds after that at which its consumer leaves; None if it reads to the end.
        cancelled: Whether it leaves by cancellation, not by closing the iteration.
    """

    positions: tuple[int, ...]
    policy: Policy
    wishes: Wishes
    joins: float
    leaves: float | None = None
    cancelled: bool = False
    stall: Stall | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """One whole simulation; with ``groups``, its own policy and wishes mean nothing."""

    seed: int
    flavour: Flavour
    refs: tuple[ImportRef, ...]
    lives: tuple[tuple[Phase, ...], ...]
    world: World
    policy: Policy
    wishes: Wishes
    groups: tuple[GroupPlan, ...] = ()
