"""Simulate many seeds on all cores, or replay one and print its log."""

from __future__ import annotations

import argparse
import sys

from tests.simulation.campaign import say, simulate
from tests.simulation.draw import draw
from tests.simulation.invariants import violation
from tests.simulation.run import play
from tests.simulation.story import tell


def main() -> int:
    """Run the command line; return 1 if an invariant is broken, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="replay this one and print its log")
    parser.add_argument("--seeds", type=int, default=2000, help="how many to simulate (default: 2000)")
    parser.add_argument("--start", type=int, default=0, help="the first of them (default: 0)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        return replay(arguments.seed)
    return 1 if simulate(arguments.start, arguments.seeds, arguments.jobs) else 0


def replay(seed: int) -> int:
    """Replay one seed and print its log; return 1 if it breaks an invariant, else 0."""
    run = play(draw(seed))
    broken = violation(run)
    say("\n".join(tell(run)))
    say(f"broken: {broken}" if broken else "every invariant holds")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
