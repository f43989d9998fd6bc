"""The README's generated parts and commands are current."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.paths import README
from tests.support.processes import environment
from tests.support.readme import part, with_placeholders
from watcher.core.exit_codes import DEFAULT_CODES
from watcher.core.lifecycle import FINAL, TRANSITIONS
from watcher.core.statuses import ImportStatus, Outcome
from watcher.simulator import SCENARIOS

if TYPE_CHECKING:
    from pathlib import Path


def run_program(*arguments: str, **variables: str) -> str:
    """Return the program's output, both streams in the order of writing."""
    finished = subprocess.run(
        [sys.executable, "-m", "watcher", *arguments],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(COLUMNS="100", **variables),
    )
    return finished.stdout


def test_the_lifecycle_is_drawn_from_the_table() -> None:
    """The Mermaid diagram has exactly the transitions of the table in the code."""
    lines = ["stateDiagram-v2", f"    [*] --> {ImportStatus.PREPARING}"]
    lines += [f"    {source} --> {to}" for source, following in TRANSITIONS.items() for to in following]
    lines += [f"    {status} --> [*]" for status in TRANSITIONS if status in FINAL]
    assert part("lifecycle").splitlines() == lines


def test_the_help_is_current() -> None:
    """The README has the output of --help."""
    assert part("help").rstrip() == run_program("--help").rstrip()


def test_the_demo_and_its_summary_are_real_output(tmp_path: Path) -> None:
    """The README has the output of the demo and its GitHub step summary."""
    summary = tmp_path / "summary.md"
    shown = run_program("--demo", "--ci", "github", GITHUB_STEP_SUMMARY=str(summary))
    assert with_placeholders(part("demo")) == with_placeholders(shown)
    assert with_placeholders(part("summary")) == with_placeholders(summary.read_text("utf-8").rstrip() + "\n")


@pytest.mark.parametrize("outcome", list(DEFAULT_CODES))
def test_every_exit_code_is_listed(outcome: Outcome) -> None:
    """The table of exit codes has a row for every outcome."""
    row = next(line for line in README.read_text("utf-8").splitlines() if f"| `{outcome}` |" in line)
    code = "130, 143" if outcome is Outcome.INTERRUPTED else DEFAULT_CODES[outcome]
    assert row.startswith(f"| {code} |")


def test_the_commands_to_try_and_to_test() -> None:
    """The README has the two commands word for word, and CI runs the second."""
    text = README.read_text("utf-8")
    assert "python3 -m pip install . && python3 -m watcher --demo\n" in text
    command = "python3 -m pip install '.[test]' && python3 -m pytest\n"
    assert command in text
    assert command in (README.parent / ".ci" / "run").read_text("utf-8")


def test_every_scenario_is_named() -> None:
    """The README and the help name every scenario of the simulator."""
    for name in set(SCENARIOS) - {"demo"}:
        assert f"`{name}`" in README.read_text("utf-8") or f"--demo={name}" in README.read_text("utf-8")
        assert name in part("help")


def test_the_shell_examples_are_shell() -> None:
    """The shell can parse each shell block."""
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert len(blocks) > 5
    for block in blocks:
        subprocess.run(["/bin/sh", "-n", "-c", block], check=True, env=dict(os.environ))
