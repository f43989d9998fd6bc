"""``python -m watcher``."""

from watcher.cli import run

if __name__ == "__main__":
    run()
