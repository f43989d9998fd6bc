"""SIGINT and SIGTERM, from the first import to the exit: the only module that handles signals.

=================  =====================================================================================
a signal arrives   what happens
=================  =====================================================================================
before the watch   ``Interrupted`` is raised in the main thread
during the watch   the callback of ``watching`` ends the watch; the process exits within ``EXIT_TIMEOUT``
after the result   nothing; if a command was to follow, ``Interrupted`` is raised
for the 2nd time   the process exits at once
=================  =====================================================================================
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, suppress

from watcher.reports.stream import Stream

TYPE_CHECKING = False  # importing typing would slow down every start
if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)

EXIT_TIMEOUT = 0.7
"""Seconds from a signal to the end of the process, even if a reader blocks what is still to be written."""


class Interrupted(KeyboardInterrupt):
    """A signal arrived while nothing was being watched."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number


class Signals:
    """The signals of this process.

    Attributes:
        number: The first signal that arrived.
        exit_code: The exit code once it is final; a later signal does not change it.
        on_exit: Called before a forced exit, to restore the terminal.
        on_resume: Called when the process continues after it was stopped.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.exit_code: int | None = None
        self.on_exit: Callable[[], None] = lambda: None
        self.on_resume: Callable[[], None] = lambda: None
        self._handled = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        self._callback: Callable[[int], None] | None = None
        self._timer: threading.Timer | None = None

    def install(self) -> None:
        """Handle the signals from now on, except those that the parent process had ignored."""
        for number in self._handled:
            signal.signal(number, self._handle)
        signal.signal(signal.SIGCONT, lambda _number, _frame: self.on_resume())

    def uninstall(self) -> None:
        """Restore the default actions, for the command that replaces this process."""
        # Python ignores the last two.
        for number in (*self._handled, signal.SIGCONT, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)

    @contextmanager
    def watching(self, callback: Callable[[int], None]) -> Iterator[None]:
        """Call a function when a signal arrives, as long as the context lasts.

        It is called in the main thread between two bytecodes, possibly during a blocked write.
        """
        self._callback = callback
        try:
            yield
        finally:
            self._callback = None
            if self._timer is not None:
                self._timer.cancel()
                self._timer.join()  # two threads must not end the process at the same time

    def _handle(self, number: int, _frame: object) -> None:
        if self.number is not None:
            self._exit(number)
        self.number = number
        Stream.limit_flush()
        if self._callback is not None:
            self._start_timer(number)
            self._callback(number)
        elif self.exit_code is None:
            raise Interrupted(number)

    def _start_timer(self, number: int) -> None:
        import threading  # noqa: PLC0415 (slow, and most runs receive no signal)

        timer = threading.Timer(EXIT_TIMEOUT, self._exit, (number,))
        timer.daemon = True
        with suppress(RuntimeError):  # the system may have no thread left
            timer.start()
            self._timer = timer

    def _exit(self, number: int) -> None:
        self.on_exit()
        os._exit(128 + number if self.exit_code is None else self.exit_code)
