"""Writing to files that somebody else named, without ever waiting for them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_file(path: Path, content: bytes) -> None:
    """Writes a file in place.

    Args:
        path: The file; it may be a device or a pipe, but one that nobody reads must not hold up the end.
        content: All of its new content.

    Raises:
        OSError: It cannot be written.
    """
    _write(path, content, os.O_TRUNC)


def append_to_file(path: Path, content: bytes) -> None:
    """Appends to a file in one write, so that what somebody else appends does not come in between.

    Args:
        path: The file, or a device or a pipe.
        content: What to append.

    Raises:
        OSError: It cannot be written.
    """
    _write(path, content, os.O_APPEND)


def _write(path: Path, content: bytes, flag: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | flag
    with os.fdopen(os.open(path, flags, 0o666), "wb", buffering=0) as file:
        rest = memoryview(content)
        while rest:
            written = file.write(rest)
            if written is None:
                raise BlockingIOError(None, "nobody reads it")
            rest = rest[written:]
