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

# A hundred simulated watches: all of them would need minutes for each mutant.
_CONFIGURATION: Final = """
[tool.mutmut]
source_paths = ["watcher"]
only_mutate = [{patterns}]
also_copy = ["tests", "examples", "README.md"]
pytest_add_cli_args = ["-n0", "-p", "no:randomly", "-q", "-x"]
pytest_add_cli_args_test_selection = [
  "tests/unit/core",
  "tests/unit/loop/test_loop.py",
  "tests/simulation/test_simulation.py::test_every_invariant_holds[0]",
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
    """Print the survivors and each module's score without the equivalent mutants."""
    total: Counter[str] = Counter()
    alive: Counter[str] = Counter()
    for name, verdict in _results(checkout):
        module = name.partition(".x")[0]
        total[module] += 1
        if verdict == "survived":
            line = _changed_line(checkout, name)
            if line in EQUIVALENT:
                total[module] -= 1
            else:
                alive[module] += 1
                say(f"survived: {name}: {line}")
    for module in sorted(total):
        score = 100 * (1 - alive[module] / total[module])
        say(f"{module:<44} {total[module]:>5} mutants {score:6.1f} % killed")
    score = 100 * (1 - alive.total() / total.total())
    say(f"{'total':<44} {total.total():>5} mutants {score:6.1f} % killed")
    return 0 if score >= _GOAL else 1


def _results(checkout: Path) -> list[tuple[str, str]]:
    """Return name and verdict of each mutant."""
    finished = subprocess.run(
        [*_mutmut(), "results", "--all", "true"], cwd=checkout, check=True, capture_output=True, text=True
    )
    pairs = (line.strip().rpartition(": ") for line in finished.stdout.splitlines())
    return [(name, verdict) for name, _, verdict in pairs if name.startswith("watcher.")]


def _changed_line(checkout: Path, name: str) -> str:
    """Return the line that replaces the original one."""
    finished = subprocess.run(
        [*_mutmut(), "show", name], cwd=checkout, check=True, capture_output=True, text=True
    )
    lines = finished.stdout.splitlines()
    return " ".join(line[1:].strip() for line in lines if line.startswith("+") and not line.startswith("+++"))


if __name__ == "__main__":
    sys.exit(main())
