"""``python -m watcher``, and the console script."""

import contextlib
import gc
import os
import signal
import sys

from watcher.cli.early import interruption


def run() -> None:
    """Runs the command; until it has taken signals over, one ends the process without a traceback."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as a shell leaves it for a job in the background
            signal.signal(number, _leave)

    gc.disable()  # collecting while modules are imported takes a seventh of the start, and finds nothing
    from watcher.cli.main import run_command  # noqa: PLC0415 (the imports take long enough to be interrupted)

    run_command()


def _leave(number: int, _frame: object) -> None:
    with contextlib.suppress(OSError):
        os.write(2, interruption(128 + number, sys.argv[1:]).encode())
    os._exit(128 + number)


if __name__ == "__main__":
    run()
