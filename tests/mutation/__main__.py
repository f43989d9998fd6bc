"""The command line: ``python -m tests.mutation [PACKAGE…]``, such as ``answers``. It needs mutmut."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

from tests.mutation.equivalent import EQUIVALENT
from tests.simulation.campaign import say
from tests.support.paths import ROOT

_PACKAGES: Final = ("answers", "wait", "fleet")
_GOAL: Final = 95.0
_KILLED: Final = frozenset({"killed", "timeout"})

# A hundred simulated watches: all of them would need minutes for each mutant.
_CONFIGURATION: Final = """
[tool.mutmut]
source_paths = ["watcher"]
only_mutate = [{patterns}]
also_copy = ["tests", "examples", "README.md"]
pytest_add_cli_args = ["-n0", "-p", "no:randomly", "-q", "-x"]
pytest_add_cli_args_test_selection = [
  "tests/unit/core",
  "tests/simulation/test_simulation.py::test_every_invariant_holds[0]",
  "tests/simulation/test_simulation.py::test_every_invariant_holds[50]",
]
"""


def main() -> int:
    """Mutate the packages and print their scores; return 1 if one is below the goal, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help=f"of: {', '.join(_PACKAGES)} [all]")
    parser.add_argument("--jobs", type=int, default=2, help="processes [2]")
    options = parser.parse_args()
    packages = options.packages or list(_PACKAGES)
    unknown = sorted(set(packages) - set(_PACKAGES))
    if unknown:
        parser.error(f"no package {', '.join(unknown)}; there are {', '.join(_PACKAGES)}")
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        checkout = _copy_checkout(Path(folder), packages)
        subprocess.run([*_mutmut(), "run", "--max-children", str(options.jobs)], cwd=checkout, check=True)
        return _report(checkout)


def _mutmut() -> list[str]:
    return [sys.executable, "-m", "mutmut"]


def _copy_checkout(folder: Path, packages: list[str]) -> Path:
    """Copy what the tests need, because mutmut writes beside the sources."""
    for name in ("watcher", "tests", "examples"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy2(path, folder / path.name)
    patterns = ", ".join(f'"watcher/core/{package}/*"' for package in packages)
    with (folder / "pyproject.toml").open("a") as file:
        file.write(_CONFIGURATION.format(patterns=patterns))
    return folder


def _report(checkout: Path) -> int:
    """Print the survivors, and the score of each module and package without the equivalent mutants."""
    total: Counter[str] = Counter()
    alive: Counter[str] = Counter()
    unused = {(function, change) for function, changes in EQUIVALENT.items() for change in changes}
    for name, verdict in _results(checkout):
        module, _, function = name.partition(".x")
        total[module] += 1
        if verdict in _KILLED:
            continue
        # The name of a function is x_FUNCTION or xǁCLASSǁFUNCTION, and the number of the mutant.
        function = function.partition("__mutmut_")[0].removeprefix("_").strip("ǁ").replace("ǁ", ".")
        function = f"{module.removeprefix('watcher.core.')}.{function}"
        change = _change(checkout, name)
        if change in EQUIVALENT.get(function, {}):
            total[module] -= 1
            unused.discard((function, change))
        else:
            alive[module] += 1
            say(f"{verdict}: {function}: {change}")
    for function, change in sorted(unused):
        if any(f"watcher.core.{function}".startswith(f"{module}.") for module in total):
            say(f"named in equivalent.py, but no survivor: {function}: {change}")
    for module in sorted(total):
        _score(module, total[module], alive[module])
    scores = []
    for package in sorted({module.rpartition(".")[0] for module in total}):
        members = [module for module in total if module.startswith(f"{package}.")]
        counts = (sum(counter[module] for module in members) for counter in (total, alive))
        scores.append(_score(package, *counts))
    return 0 if min(scores) >= _GOAL else 1


def _score(name: str, total: int, alive: int) -> float:
    """Print and return the percentage of killed mutants."""
    score = 100 * (1 - alive / total)
    say(f"{name:<44} {total:>5} mutants {score:6.1f} % killed")
    return score


def _results(checkout: Path) -> list[tuple[str, str]]:
    """Return name and verdict of each mutant."""
    pairs = (line.strip().rpartition(": ") for line in _output(checkout, "results", "--all", "true"))
    return [(name, verdict) for name, _, verdict in pairs if name.startswith("watcher.")]


def _change(checkout: Path, name: str) -> str:
    """Return the lines that a mutant replaces, and its own, without comments."""
    lines = _output(checkout, "show", name)
    changed = [line for line in lines if not line.startswith(("---", "+++"))]
    before, after = (
        " ".join(line[1:].partition("  #")[0].strip() for line in changed if line.startswith(sign))
        for sign in "-+"
    )
    return f"{before} -> {after}"


def _output(checkout: Path, *arguments: str) -> list[str]:
    finished = subprocess.run(
        [*_mutmut(), *arguments], cwd=checkout, check=True, capture_output=True, text=True
    )
    return finished.stdout.splitlines()


if __name__ == "__main__":
    sys.exit(main())
