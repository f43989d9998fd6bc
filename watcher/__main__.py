"""``python -m watcher``, and the console script."""

import gc
import os
import sys

from watcher.cli.signals import Signals


def run() -> None:
    """Run the command and end the process with its exit code."""
    signals = Signals()
    signals.on_exit = _report_early_signal
    signals.install()
    gc.disable()  # collecting during the imports takes a seventh of the start and finds nothing
    from watcher.cli.main import main  # noqa: PLC0415 (the imports take long enough to be interrupted)

    code = main(sys.argv[1:], signals)
    signals.stop_timer()
    threading = sys.modules.get("threading")
    if threading is not None and threading.active_count() > 1:
        # A name lookup that hangs cannot be cancelled, and would keep the process alive.
        os._exit(code)
    raise SystemExit(code)


def _report_early_signal() -> None:
    """Report a signal if the reports are not ready in time; standard error may be read as JSON lines."""
    if os.environ.get("WATCHER_LOG_FORMAT") != "json":
        os.write(2, b"watcher: interrupted before the watch began\n")


if __name__ == "__main__":
    run()
