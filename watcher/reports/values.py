"""How single values are written in JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watcher.core.statuses import Status


def timestamp(unix: float) -> str:
    """Writes a moment as RFC 3339 in UTC with milliseconds.

    Args:
        unix: Seconds since 1970.

    Returns:
        Such as ``2026-01-05T10:00:00.120Z``.
    """
    moment = datetime.fromtimestamp(unix, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(value: float) -> float:
    """Rounds a length of time to milliseconds.

    Args:
        value: Seconds.

    Returns:
        Seconds.
    """
    return round(value, 3)


def seconds_or_none(value: float | None) -> float | None:
    """Rounds a length of time where there is one.

    Args:
        value: Seconds, or None.

    Returns:
        Seconds, or None.
    """
    return None if value is None else seconds(value)


def status_text(status: Status | None) -> str | None:
    """Turns a status into plain text, for msgspec encodes no subclass of str as an unknown status is one.

    Args:
        status: The status, or None.

    Returns:
        Its name, or None.
    """
    return None if status is None else str(status)
