"""``python -m watcher``, and the console script."""

import signal


def run() -> None:
    """Runs the command; until it has taken over, Ctrl-C ends the process without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)

    from watcher.cli import run_command  # noqa: PLC0415 (the imports take long enough to be interrupted)

    run_command()


if __name__ == "__main__":
    run()
