"""Writing to standard output and standard error, where the reader may be gone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO


class Stream:
    """Writes lines until that fails; a failure is kept, never raised, and what follows is dropped.

    Args:
        file: Where to; None where the process was started without it.
    """

    def __init__(self, file: TextIO | None) -> None:
        self._file = file
        self.failure: str | None = None

    def write_line(self, line: str) -> None:
        """Writes one line at once.

        Args:
            line: The line, without its end.
        """
        if self._file is None:
            return
        try:
            self._file.write(line + "\n")
            self._file.flush()
        except (OSError, ValueError) as error:
            # A closed pipe is no error: whoever read it has seen enough.
            if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
                self.failure = error.strerror
            _discard_buffer(self._file)
            self._file = None


def _discard_buffer(file: TextIO) -> None:
    """Lets the interpreter's last flush succeed, which would change the exit code otherwise."""
    try:
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, file.fileno())
        os.close(sink)
    except (OSError, ValueError):
        return
