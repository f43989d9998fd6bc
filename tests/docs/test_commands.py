"""The commands in all README files work."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.paths import EXAMPLES, README, ROOT
from tests.support.pipelines import make_checkout, run
from tests.support.processes import TOKEN, environment
from tests.support.readme import READMES, blocks
from watcher.cli.options import COMMAND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.processes import Simulator, StartSimulator

SHELL = EXAMPLES / "shell" / "README.md"
SIMULATOR = EXAMPLES / "simulator" / "README.md"
EXAMPLE_ID = "1234a567-bcd8-9123-4567-abcd1234567f"
SERVER = "python3 -m watcher.simulator --port 8080"

needs_programs = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl", "jq"))), reason="bash, curl or jq is not installed"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a checkout with the files that the commands use."""
    make_checkout(tmp_path)
    (tmp_path / "examples").symlink_to(EXAMPLES)
    (tmp_path / "deploy.sh").write_text('#!/bin/sh\necho "deployed $1 after $WATCHER_OUTCOME"\n')
    (tmp_path / "deploy.sh").chmod(0o755)
    return tmp_path


def block_with(path: Path, words: str) -> str:
    """Return the only shell block of a README that contains some words."""
    (found,) = (block for block in blocks(path) if words in block)
    return found


def run_shell(script: str, folder: Path, simulator: Simulator) -> subprocess.CompletedProcess[str]:
    """Run commands in bash, stopping at the first that fails."""
    return run(["bash", "-e", "-o", "pipefail", "-c", script], folder, simulator.base_uri, {})


@contextmanager
def server(block: str, *, speed: float) -> Iterator[str]:
    """Run a README's command for the simulator on a free port, and yield the port."""
    command = block.replace("8080", "0").replace("python3", sys.executable).strip()
    with subprocess.Popen(
        ["/bin/sh", "-c", f"exec {command} --speed {speed}"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(LD_ACCESS_TOKEN=""),
        cwd=ROOT,
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().rpartition(":")[2].strip()
        finally:
            process.terminate()


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.parent.name)
def test_every_shell_block_is_shell_with_known_options(path: Path) -> None:
    """The shell can parse each block, and watcher knows each of its options in it."""
    names = {name for parameter in COMMAND.params for name in parameter.opts}
    for block in blocks(path):
        subprocess.run(["/bin/sh", "-n", "-c", block], check=True, env=dict(os.environ))
        for line in re.findall(r"(?:^|&& )watcher (.*?)(?:#| -- |$)", block, re.MULTILINE):
            assert set(re.findall(r"(--[a-z-]+)", line)) <= names, line


@needs_programs
def test_the_commands_to_watch(start_simulator: StartSimulator, folder: Path) -> None:
    """Every command that names an import exits with 0 or 8, also if it is run twice."""
    simulator = start_simulator("happy")
    target = simulator.create()
    (folder / "targets.txt").write_text(f"# two\n\n{target}\n{target}\n")
    known = block_with(README, EXAMPLE_ID).replace(EXAMPLE_ID, target.rpartition("/")[2])
    known = known.replace("export LD_ACCESS_TOKEN=api-…\n", "")
    ended = run_shell(known, folder, simulator)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("complete default/production/big-spenders/")
    lines = [
        line
        for path in (README, SHELL)
        for block in blocks(path)
        for line in block.splitlines()
        if line.startswith("watcher ") and EXAMPLE_ID not in line and "@headers" not in line
    ]
    assert len(lines) >= 10
    for line in lines:
        ended = run_shell(line.replace("TARGET", target), folder, simulator)
        assert ended.returncode in {0, 8}, (line, ended.stderr)
        assert ended.stdout or ">result.json" in line
        assert "deploy.sh" not in line or ended.stdout.endswith("deployed --now after complete\n")


@needs_programs
@pytest.mark.parametrize(
    ("scenario", "words"),
    [("happy", "complete"), ("stuck", "not final yet"), ("stopped", "see standard error")],
)
def test_the_branches_on_the_exit_code(
    start_simulator: StartSimulator, folder: Path, scenario: str, words: str
) -> None:
    """The `case` has a branch for an import that is final, one that is not, and a failure."""
    simulator = start_simulator(scenario, speed=100.0)
    target = simulator.create()
    run(["watcher", target, "--timeout", "2s"], folder, simulator.base_uri, {})
    script = block_with(SHELL, "case $?").replace("TARGET", target)
    branched = run(["/bin/sh", "-c", script], folder, simulator.base_uri, {})
    assert words in (branched.stderr if scenario == "stopped" else branched.stdout).splitlines()


@needs_programs
def test_from_the_demo_to_a_pipeline(folder: Path) -> None:
    """The commands for two terminals, and the one that creates an import, work with only another port."""
    (terminal,) = (block for block in blocks(README) if block.startswith(SERVER))
    with server(terminal, speed=20.0) as port:
        script = block_with(README, "import-and-wait.sh").replace("8080", port)
        script += block_with(README, "watcher @headers")
        ended = run(["bash", "-e", "-c", script], folder, "", {})
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("complete default/production/big-spenders/") == 2
    assert "The segment is in place." in ended.stdout


@needs_programs
def test_an_approval_in_the_simulator(folder: Path) -> None:
    """The import waits for approval, which the command gives, and is complete."""
    terminal = block_with(SIMULATOR, SERVER)
    with server(terminal, speed=20.0) as port:
        script = block_with(SIMULATOR, "semanticpatch").replace("8080", port)
        ended = run(["bash", "-e", "-c", script], folder, "", {})
    assert ended.returncode == 0, ended.stderr
    outcome, advice, result = ended.stdout.splitlines()
    assert outcome.startswith("blocked ")
    assert advice == "exit code 7: nobody has approved it"
    assert result.startswith("complete ")


@needs_programs
def test_the_shell_completes(folder: Path) -> None:
    """The line for the start-up file runs in bash."""
    script = block_with(SHELL, "_WATCHER_COMPLETE")
    ended = run(["bash", "-e", "-c", f"{script}complete -p watcher"], folder, "", {})
    assert "watcher" in ended.stdout, ended.stderr


def test_the_python_program(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """The program in the README of the library prints the outcome, and the fragments are valid Python."""
    simulator = start_simulator("happy", speed=100.0)
    program, *fragments = blocks(EXAMPLES / "library" / "README.md", "python")
    for fragment in fragments:
        compile(fragment, "README.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    program = program.replace('"default/production/big-spenders/1234a567-…"', f'"{simulator.create()}"')
    program = program.replace('"api-…"', f'"{TOKEN}", base_uri="{simulator.base_uri}"')
    ended = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(simulator.base_uri, PYTHONPATH=str(ROOT)),
        timeout=60,
    )
    assert re.fullmatch(r"complete complete after \S+ \d+\n", ended.stdout), ended.stdout
