"""The command line: ``python -m tests.fuzz [--minutes N] [NAME…]``."""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Sequence

from hypothesis import seed

from tests.fuzz.checks import CHECKS
from tests.fuzz.inputs import EXAMPLES
from tests.simulation.campaign import say


def main() -> int:
    """Run all checks in turn until the time is over; return 1 if one failed, else 0."""
    names = [check.__name__ for check in CHECKS]
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(names)} [all]")
    parser.add_argument("--minutes", type=float, default=10.0, help="time budget [10]")
    parser.add_argument("--seed", type=int, help="repeat a run [random]")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(names))
    if unknown:
        parser.error(f"no check {', '.join(unknown)}; there are {', '.join(names)}")
    warnings.simplefilter("error")
    start = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    say(f"seed {start}")
    chosen = [check for check in CHECKS if check.__name__ in (options.names or names)]
    examples, failed = _run(chosen, start, time.monotonic() + 60 * options.minutes)
    for name in sorted(examples):
        say(f"{name:<16} {examples[name]:>9} examples  {'failed' if name in failed else 'ok'}")
    return 1 if failed else 0


def _run(chosen: Sequence[Callable[[], None]], start: int, deadline: float) -> tuple[Counter[str], set[str]]:
    examples: Counter[str] = Counter()
    failed: set[str] = set()
    number = start
    while time.monotonic() < deadline and len(failed) < len(chosen):
        for check in chosen:
            if check.__name__ in failed or time.monotonic() >= deadline:
                continue
            number += 1
            try:
                seed(number)(check)()
            except Exception:  # noqa: BLE001 (a finding)
                failed.add(check.__name__)
                say(f"{check.__name__} failed, seed {number}:\n{traceback.format_exc()}")
            examples[check.__name__] += EXAMPLES
    return examples, failed


if __name__ == "__main__":
    sys.exit(main())
