"""The README's generated parts are current, and its commands are the ones that are tested."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import environment
from watcher.core.exit_codes import DEFAULT_CODES
from watcher.core.lifecycle import mermaid
from watcher.core.statuses import Outcome
from watcher.simulator import SCENARIOS

README = Path(__file__).parents[2] / "README.md"

VARIABLE = {
    r"\d\d:\d\d:\d\d": "TIME",
    r"\b\d+(\.\d+)?(ms|s)\b": "DURATION",
    r"127\.0\.0\.1:\d+": "HOST",
    r"[0-9a-f]{8}-[0-9a-f-]{27}": "ID",
    r"\d+ polls": "POLLS",
    r"\| \d+ \|": "| COUNT |",
    r"\d{4}-\d\d-\d\d TIME\.\d{3}": "MOMENT",
    r"axisFormat .*": "axisFormat FORMAT",
}


def part(name: str) -> str:
    """What stands between the markers of a generated part, without its code fence."""
    match = re.search(
        rf"<!-- {name} -->\n(```\w+\n)?(.*?)(?(1)```\n)<!-- /{name} -->",
        README.read_text("utf-8"),
        re.DOTALL,
    )
    assert match is not None
    return match[2]


def run_program(*arguments: str, **variables: str) -> str:
    """What the program prints, both streams in the order of writing."""
    finished = subprocess.run(
        [sys.executable, "-m", "watcher", *arguments],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(COLUMNS="100", **variables),
    )
    return finished.stdout


def with_placeholders(text: str) -> str:
    """Text without what differs from run to run."""
    for pattern, name in VARIABLE.items():
        text = re.sub(pattern, name, text)
    return text


def test_the_lifecycle_is_drawn_from_the_table() -> None:
    """The diagram is the table of the code."""
    assert part("lifecycle") == mermaid()


def test_the_help_is_current() -> None:
    """The options in the README are those of the program."""
    assert part("help").rstrip() == run_program("--help").rstrip()


def test_the_demo_and_its_summary_are_real_output(tmp_path: Path) -> None:
    """The demo in the README is what a new user sees, and the summary is what GitHub shows of it."""
    summary = tmp_path / "summary.md"
    shown = run_program("--demo", "--ci", "github", GITHUB_STEP_SUMMARY=str(summary))
    assert with_placeholders(part("demo")) == with_placeholders(shown)
    assert with_placeholders(part("summary")) == with_placeholders(summary.read_text("utf-8").rstrip() + "\n")


@pytest.mark.parametrize("outcome", list(DEFAULT_CODES))
def test_every_exit_code_is_listed(outcome: Outcome) -> None:
    """The table has a row for every outcome, with its code."""
    row = next(line for line in README.read_text("utf-8").splitlines() if f"| `{outcome}` |" in line)
    code = "130, 143" if outcome is Outcome.INTERRUPTED else DEFAULT_CODES[outcome]
    assert row.startswith(f"| {code} |")


def test_the_two_commands() -> None:
    """The README's two commands stand there word for word, and CI runs the second."""
    text = README.read_text("utf-8")
    assert "python3 -m pip install . && python3 -m watcher --demo\n" in text
    command = "python3 -m pip install '.[test]' && python3 -m pytest\n"
    assert command in text
    assert command in (README.parent / ".ci" / "run").read_text("utf-8")


def test_every_scenario_is_named() -> None:
    """The scenarios of the simulator are in the README and in the help."""
    for name in set(SCENARIOS) - {"demo"}:
        assert f"`{name}`" in README.read_text("utf-8") or f"--demo={name}" in README.read_text("utf-8")
        assert name in part("help")


def test_the_shell_examples_are_shell() -> None:
    """Each shell block parses."""
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert len(blocks) > 5
    for block in blocks:
        subprocess.run(["/bin/sh", "-n", "-c", block], check=True, env=dict(os.environ))
