"""Simulates many seeds on all cores, or replays one and tells its story."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from functools import partial

from tests.simulation.draw import draw
from tests.simulation.invariants import violation
from tests.simulation.run import play
from tests.simulation.story import report, tell

_CHUNK = 50
_TOLD_EVERY = 2.0


def main() -> int:
    """Runs what the command line asks for.

    Returns:
        1 where an invariant is broken, else 0.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="replay this one and tell its story")
    parser.add_argument("--seeds", type=int, default=2000, help="how many to simulate (default: 2000)")
    parser.add_argument("--start", type=int, default=0, help="the first of them (default: 0)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        return replay(arguments.seed)
    return simulate(arguments.start, arguments.seeds, arguments.jobs)


def replay(seed: int) -> int:
    """Plays one seed and tells its story."""
    run = play(draw(seed))
    broken = violation(run)
    say("\n".join(tell(run)))
    say(f"broken: {broken}" if broken else "every invariant holds")
    return 1 if broken else 0


def simulate(start: int, seeds: int, jobs: int) -> int:
    """Plays many seeds, shows how far it is, and tells of each that breaks an invariant."""
    began = told = time.monotonic()
    done = failures = requests = 0
    chunks = range(start, start + seeds, _CHUNK)
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for count, asked, reports in pool.imap_unordered(partial(_play_chunk, start + seeds), chunks):
            done, requests, failures = done + count, requests + asked, failures + len(reports)
            for text in reports:
                say(text + "\n")
            now = time.monotonic()
            if now - told >= _TOLD_EVERY or done == seeds:
                told = now
                rate = done / (now - began)
                say(f"{done}/{seeds} seeds, {requests} requests, {failures} broken, {rate:.0f} seeds/s")
    return 1 if failures else 0


def _play_chunk(stop: int, first: int) -> tuple[int, int, list[str]]:
    reports, asked = [], 0
    seeds = range(first, min(first + _CHUNK, stop))
    for seed in seeds:
        run = play(draw(seed))
        asked += len(run.asked)
        broken = violation(run)
        if broken is not None:
            reports.append(report(run, broken))
    return len(seeds), asked, reports


def say(text: str) -> None:
    """Prints a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
