"""The generated parts, tables and links of all README files are correct and current."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.paths import EXAMPLES, README, ROOT
from tests.support.readme import READMES, lifecycle, part, run_demo, run_schedules, with_placeholders
from watcher.core.exit_codes import DEFAULT_CODES
from watcher.core.statuses import Outcome
from watcher.simulator import SCENARIOS
from watcher.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

LINES = 200
"""The README can be read in three minutes."""


def test_the_readme_is_short() -> None:
    """The README has at most 200 lines."""
    assert len(README.read_text("utf-8").splitlines()) <= LINES


def test_the_lifecycle_is_drawn_from_the_table() -> None:
    """The Mermaid diagram has exactly the transitions of the table in the code."""
    assert part("lifecycle") == lifecycle()


def test_the_demo_and_its_summary_are_real_output() -> None:
    """The README has the output of the demo, and the GitHub example its step summary."""
    demo, summary = run_demo()
    assert with_placeholders(part("demo")) == with_placeholders(demo)
    assert with_placeholders(part("summary")) == with_placeholders(summary)


def test_the_table_of_schedules_is_real_output() -> None:
    """The README of the benchmarks has the output of the simulation, which is the same everywhere."""
    assert part("schedules") == run_schedules()


@pytest.mark.parametrize("outcome", list(DEFAULT_CODES))
def test_every_exit_code_is_listed(outcome: Outcome) -> None:
    """The table of exit codes has a row for every outcome."""
    row = next(line for line in README.read_text("utf-8").splitlines() if f"| `{outcome}` |" in line)
    code = "129, 130, 143" if outcome is Outcome.INTERRUPTED else DEFAULT_CODES[outcome]
    assert row.startswith(f"| {code} |")


def test_the_commands_to_try_and_to_test() -> None:
    """The README has the two commands word for word, and CI runs the second."""
    text = README.read_text("utf-8")
    assert "python3 -m pip install . && python3 -m watcher --demo\n" in text
    command = "python3 -m pip install '.[test]' && python3 -m pytest\n"
    assert command in text
    assert command in (ROOT / ".ci" / "run").read_text("utf-8")


def test_every_scenario_is_listed() -> None:
    """The README names every scenario of the demo, and the simulator's README explains it."""
    readme, simulator = README.read_text("utf-8"), (EXAMPLES / "simulator" / "README.md").read_text("utf-8")
    for name in set(SCENARIOS) - {"demo"}:
        assert f"`{name}`" in readme or name == "happy" or f"--demo={name}" in readme
        assert f"\n| `{name}` | " in simulator


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.parent.name)
def test_every_link_works(path: Path) -> None:
    """Every relative link names a file, or a heading of the same README."""
    text = path.read_text("utf-8")
    headings = {
        re.sub(r"[^\w -]", "", line.strip("# ")).lower().replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    }
    links = re.findall(r"\]\(([^)]+)\)", text)
    for link in links:
        if link.startswith("#"):
            assert link[1:] in headings
        else:
            assert (path.parent / link).exists(), link
    assert links or path.parent.name in {"benchmarks", "simulator"}


def test_every_readme_is_linked() -> None:
    """The README links to every other one."""
    text = README.read_text("utf-8")
    for path in READMES[1:]:
        assert f"({path.relative_to(ROOT)})" in text


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.parent.name)
def test_image_names_have_the_current_version(path: Path) -> None:
    """Commands use the image of this version."""
    assert set(re.findall(r"watcher:(\d[\w.]*)", path.read_text("utf-8"))) <= {__version__}
