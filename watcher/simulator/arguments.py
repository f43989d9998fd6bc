"""Checks of what a server is started with; each raises a ValueError that says what is right."""

from __future__ import annotations

import ipaddress
import math
from typing import Final

from watcher.simulator.scenarios import SCENARIOS

_LAST_PORT: Final = 65535


def check_timing(scenario: str, speed: float, approve_after: float | None) -> None:
    """Checks what imports live through, and how fast."""
    if scenario not in SCENARIOS:
        raise ValueError(f"scenario must be one of {', '.join(SCENARIOS)}, not {scenario!r}")
    if not (math.isfinite(speed) and speed > 0):
        raise ValueError(f"speed must be a number above 0, not {speed}")
    if approve_after is not None and not (math.isfinite(approve_after) and approve_after >= 0):
        raise ValueError(f"approve_after must be a number of seconds from 0, not {approve_after}")


def check_address(host: str, port: int) -> None:
    """Checks where the server listens: never beyond this machine."""
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise ValueError(f"host must be a loopback address such as 127.0.0.1, not {host!r}")
    if not 0 <= port <= _LAST_PORT:
        raise ValueError(f"port must be from 0 to {_LAST_PORT}, not {port}")


def check_access(rate_limit: int | None, token: str | None) -> None:
    """Checks who may ask, and how often."""
    if rate_limit is not None and rate_limit < 1:
        raise ValueError(f"rate_limit must be at least 1 request in ten seconds, not {rate_limit}")
    if token == "":
        raise ValueError("token must not be empty; None accepts any token")
