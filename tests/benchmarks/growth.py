"""The growth of memory over many polls, with imports that come and go."""

from __future__ import annotations

import json
import signal
import urllib.request
from contextlib import suppress
from pathlib import Path
from socket import create_server
from time import monotonic, sleep
from typing import TYPE_CHECKING

from tests.benchmarks.figures import Figure, Goal, Unit

if TYPE_CHECKING:
    from tests.benchmarks.effort import Effort
    from tests.benchmarks.runner import Runner, Running

MOST = 1 << 20
"""Largest growth in bytes; a leak of a few bytes for each poll is larger in a long run."""

ROUNDS = 4.0
"""Length of a measurement, as a multiple of that of another load."""

BUSY = 50
SCRAPE_EVERY = 0.02
SCRAPES_TO_WARM_UP = 1000
"""Scrapes before the first measurement: asyncio's closed connections are reference cycles, and the garbage
collector of the command line runs after about as many."""


def measure_growth(runner: Runner, effort: Effort) -> list[Figure]:
    """Measure how much memory a long-lived `Watcher`, and a command with `--listen`, need in the long run.

    Returns:
        The growth in bytes after the warm-up, on kept and on fresh connections, and with scrapes.
    """
    seconds = ROUNDS * effort.load_seconds
    figures = []
    for name, environment in (("kept", "in_progress"), ("fresh", "unkept")):
        before = runner.server.requests()
        runner.run("-m", "baselines.coming_and_going", runner.server.base_uri, environment, str(seconds))
        polls = runner.server.requests() - before
        memory = json.loads(runner.out.read_text("utf-8"))
        label = f"growth over {polls} polls, {name} connections"
        figures.append(Figure(label, Unit.BYTES, Goal(MOST), [max(0, memory["end"] - memory["warm"])]))
    return [*figures, _measure_scrapes(runner, seconds)]


def _measure_scrapes(runner: Runner, seconds: float) -> Figure:
    targets = runner.write_targets("busy", "in_progress", BUSY)
    with create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    pace = ("--min-interval", "50ms", "--max-interval", "50ms")
    with runner.running("-m", "watcher", targets, *pace, "--listen", f"127.0.0.1:{port}", "-q") as running:
        _wait_until_served(port, running)
        for _ in range(SCRAPES_TO_WARM_UP):
            _scrape(port)
        warm, stop, scrapes = _resident(running.process.pid), monotonic() + seconds, 0
        while monotonic() < stop:
            _scrape(port)
            scrapes += 1
            sleep(SCRAPE_EVERY)
        grown = _resident(running.process.pid) - warm
        running.process.send_signal(signal.SIGTERM)
        running.finish(code=128 + signal.SIGTERM)
    return Figure(f"growth over {scrapes} scrapes", Unit.BYTES, Goal(MOST), [max(0, grown)])


def _wait_until_served(port: int, running: Running) -> None:
    while not running.has_ended:
        with suppress(OSError):
            _scrape(port)
            return
        sleep(0.05)
    running.finish(code=128 + signal.SIGTERM)


def _scrape(port: int) -> None:
    for path in ("status", "metrics"):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10) as response:
            response.read()


def _resident(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))
