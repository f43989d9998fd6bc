"""SIGHUP, SIGINT and SIGTERM, from the first import to the exit: the only module that handles signals.

=================  =====================================================================================
a signal arrives   what happens
=================  =====================================================================================
at any time        the process exits within ``EXIT_TIMEOUT``, even if a reader blocks what is to be written
during imports     it is recorded, and ``check`` raises ``Interrupted`` afterwards
while reading      ``raise_interrupted`` raises ``Interrupted`` in a blocked read
during the watch   the callback ends the watch, and its reports are written
after the result   nothing; if a command was to follow, ``check`` raises ``Interrupted``
for the 2nd time   the process exits at once
=================  =====================================================================================

It imports almost nothing, because signals have their default actions until it is loaded.
"""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False  # importing typing would delay the handlers
if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)

EXIT_TIMEOUT = 0.7
"""Seconds from a signal to the end of the process."""


class Interrupted(BaseException):
    """A signal arrived while nothing was being watched.

    Not a KeyboardInterrupt, which libraries catch.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number


class Signals:
    """The signals of this process.

    Attributes:
        number: The first signal that arrived.
        exit_code: The exit code once it is final; a later signal does not change it.
        on_signal: Called when a signal arrives, to limit how long writes may take.
        on_exit: Called before a forced exit, to restore the terminal.
        on_resume: Called when the process continues after it was stopped.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.exit_code: int | None = None
        self.on_signal: Callable[[], None] = lambda: None
        self.on_exit: Callable[[], None] = lambda: None
        self.on_resume: Callable[[], None] = lambda: None
        self._handled = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        self._callback: Callable[[int], None] | None = None
        self._timer: threading.Timer | None = None

    def install(self) -> None:
        """Handle the signals from now on, except those that the parent process had ignored."""
        for number in self._handled:
            signal.signal(number, self._handle)
        if signal.getsignal(signal.SIGCONT) is signal.SIG_DFL:
            signal.signal(signal.SIGCONT, lambda _number, _frame: self.on_resume())

    def uninstall(self) -> None:
        """Restore the default actions, for the command that replaces this process."""
        self.stop_timer()
        # Python ignores the last two.
        for number in (*self._handled, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        if signal.getsignal(signal.SIGCONT) is not signal.SIG_IGN:
            signal.signal(signal.SIGCONT, signal.SIG_DFL)

    def check(self) -> None:
        """Raise ``Interrupted`` if a signal has arrived."""
        if self.number is not None:
            raise Interrupted(self.number)

    def set_callback(self, callback: Callable[[int], None] | None) -> None:
        """Set the function to call when a signal arrives, between two bytecodes; None only records it."""
        self._callback = callback

    def stop_timer(self) -> None:
        """Cancel the forced exit: two threads must not end the process at the same time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()

    def _handle(self, number: int, _frame: object) -> None:
        if self.number is not None:
            self._exit(number)
        self.number = number
        self.on_signal()
        self._start_timer(number)
        if self._callback is not None:
            self._callback(number)

    def _start_timer(self, number: int) -> None:
        import threading  # noqa: PLC0415 (slow, and most runs receive no signal)

        timer = threading.Timer(EXIT_TIMEOUT, self._exit, (number,))
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:  # the system has no thread left
            return
        self._timer = timer

    def _exit(self, number: int) -> None:
        self.on_exit()
        os._exit(128 + number if self.exit_code is None else self.exit_code)


def raise_interrupted(number: int) -> None:
    """Interrupt a blocked read, as a callback of ``Signals.call``."""
    raise Interrupted(number)
