"""Writing to standard output and standard error, where the reader may be gone."""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO


class Stream:
    """Writes until that fails; a failure is kept until ``check``, and what follows is dropped.

    Text goes to the descriptor as UTF-8, whatever the locale (RFC 8259, 8.1): Python's own text layer can cut
    them short where the descriptor does not block, as a pipe of Node.js does not.

    Args:
        file: Where to; None where the process was started without it.
    """

    def __init__(self, file: TextIO | None) -> None:
        self._descriptor = None if file is None else file.fileno()
        self._failure: OSError | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether a person may be looking."""
        return self._descriptor is not None and os.isatty(self._descriptor)

    def check(self) -> None:
        """Tells the failure, where what was written could not be.

        Raises:
            OSError: What kept it from being written; a reader that has gone away is no failure.
        """
        if self._failure is not None:
            raise self._failure

    def write_line(self, line: str) -> None:
        """Writes one line at once.

        Args:
            line: The line, without its end.
        """
        self.write(f"{line}\n")

    def write(self, text: str) -> None:
        """Writes text at once.

        Args:
            text: The text.
        """
        rest = memoryview(text.encode("utf-8", errors="backslashreplace"))
        while rest and self._descriptor is not None:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [])
            except BrokenPipeError:
                self._descriptor = None  # no error: whoever read it has seen enough
            except OSError as error:
                self._failure = error
                self._descriptor = None
