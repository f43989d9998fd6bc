"""Write files that the user or the CI service named, without waiting for a reader."""

from __future__ import annotations

import os
from pathlib import Path


def write_file(path: Path, content: bytes, *, append: bool = False) -> None:
    """Write a file or a device in place; append in one write, so that other programs' output stays apart.

    Raises:
        OSError: The file cannot be written, or is a pipe without a reader.
    """
    mode = os.O_APPEND if append else os.O_TRUNC
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | mode
    with os.fdopen(os.open(path, flags, 0o644), "wb", buffering=0) as file:
        rest = memoryview(content)
        while rest:
            written = file.write(rest)
            if written is None:
                raise BlockingIOError(None, "no program reads it")
            rest = rest[written:]
