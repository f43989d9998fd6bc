"""Many seeds on all cores, with progress shown."""

from __future__ import annotations

import multiprocessing
import sys
import time
from functools import partial

from tests.simulation.draw import draw
from tests.simulation.invariants import violation
from tests.simulation.run import play
from tests.simulation.story import report

_CHUNK = 50
_PROGRESS_EVERY = 2.0


def simulate(start: int, seeds: int, jobs: int) -> int:
    """Play many seeds, print the progress and each broken invariant.

    Args:
        start: The first seed.
        seeds: How many there are.
        jobs: How many processes share them.

    Returns:
        How many break an invariant.
    """
    began = printed = time.monotonic()
    done = failures = requests = 0
    chunks = range(start, start + seeds, _CHUNK)
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for count, asked, reports in pool.imap_unordered(partial(_play_chunk, start + seeds), chunks):
            done, requests, failures = done + count, requests + asked, failures + len(reports)
            for text in reports:
                say(text + "\n")
            now = time.monotonic()
            if now - printed >= _PROGRESS_EVERY or done == seeds:
                printed = now
                rate = done / (now - began)
                say(f"{done}/{seeds} seeds, {requests} requests, {failures} broken, {rate:.0f} seeds/s")
    return failures


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
    """Print and flush a line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
