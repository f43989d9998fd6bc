"""Reading lists of targets from standard input and from files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from watcher.core.errors import UsageError

if TYPE_CHECKING:
    from typing import BinaryIO

_LARGEST = 4 << 20


def read_listing(name: str) -> str:
    """Reads a list of targets.

    Args:
        name: ``-`` for standard input, or ``@FILE``.

    Returns:
        Its text.

    Raises:
        UsageError: It cannot be read, or is too long to be a list of targets.
    """
    if name == "-":
        if sys.stdin is None:
            raise UsageError(
                "standard input is closed; pipe the answer's headers in: curl -sS -D - … | watcher -"
            )
        return _read(sys.stdin.buffer, "standard input")
    path = Path(name[1:])
    try:
        with path.open("rb") as file:
            return _read(file, name[1:])
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}; name a file of targets as @FILE"
        ) from None


def _read(file: BinaryIO, source: str) -> str:
    content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise UsageError(f"{source} is longer than {_LARGEST >> 20} MiB; watch its targets in several runs")
    return content.decode("utf-8", errors="replace")
