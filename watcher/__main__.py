"""``python -m watcher``, and the console script."""

import contextlib
import gc
import os
import sys
from typing import NoReturn

from watcher.cli.signals import Interrupted, Signals


def run() -> NoReturn:
    """Run the command and end the process with its exit code."""
    signals = Signals()
    signals.install()
    gc.disable()  # collecting during the imports takes a seventh of the start and finds nothing
    try:
        from watcher.cli.main import main  # noqa: PLC0415 (the imports take long enough to be interrupted)

        code = main(sys.argv[1:], signals)
    except Interrupted as interrupt:
        code = interrupt.code
        if os.environ.get("WATCHER_LOG_FORMAT") != "json":  # standard error may be read as JSON lines
            with contextlib.suppress(OSError):
                os.write(2, b"watcher: interrupted before the watch began\n")
    threading = sys.modules.get("threading")
    if threading is not None and threading.active_count() > 1:
        # A name lookup that hangs cannot be cancelled, and would keep the process alive.
        os._exit(code)
    raise SystemExit(code)


if __name__ == "__main__":
    run()
