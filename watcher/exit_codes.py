"""How an outcome becomes an exit code."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from watcher.core.statuses import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_CODES: Mapping[Outcome, int] = MappingProxyType(
    {
        Outcome.COMPLETE: 0,
        Outcome.REACHED: 0,
        Outcome.INTERNAL: 1,
        Outcome.USAGE: 2,
        Outcome.STOPPED: 3,
        Outcome.UNAUTHORIZED: 4,
        Outcome.NOT_FOUND: 5,
        Outcome.PROTOCOL: 6,
        Outcome.BLOCKED: 7,
        Outcome.PENDING: 8,
        Outcome.UNAVAILABLE: 75,
        Outcome.TIMEOUT: 124,
        Outcome.INTERRUPTED: 130,
    }
)
"""The contract's codes: 75 is EX_TEMPFAIL of sysexits.h, 124 timeout(1)'s, 130 a shell's after SIGINT."""
