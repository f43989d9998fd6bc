"""Types for the pipeline examples, and functions that run them as GitHub and GitLab do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, TypeVar

import msgspec
import yaml

from tests.support.paths import EXAMPLES, ROOT
from tests.support.processes import TOKEN, environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_SPEED = {"WATCHER_MIN_INTERVAL": "40ms", "WATCHER_MAX_INTERVAL": "150ms"}

_Document = TypeVar("_Document")


class Step(msgspec.Struct, rename={"with_": "with"}, kw_only=True):
    """A step of a GitHub Actions workflow."""

    name: str
    id: str | None = None
    if_: str | None = msgspec.field(default=None, name="if")
    run: str = ""
    env: dict[str, str] = {}
    with_: dict[str, str] = {}


class Job(msgspec.Struct, rename="kebab", kw_only=True):
    """A job of a workflow."""

    steps: list[Step]


class Workflow(msgspec.Struct, kw_only=True):
    """A GitHub Actions workflow."""

    jobs: dict[str, Job]


class Input(msgspec.Struct, kw_only=True):
    """An action's input."""

    description: str
    default: str = ""


class Output(msgspec.Struct, kw_only=True):
    """An action's output."""

    description: str
    value: str


class Runs(msgspec.Struct, kw_only=True):
    """The steps of a composite action."""

    using: str
    steps: list[Step]


class Action(msgspec.Struct, kw_only=True):
    """A GitHub action."""

    inputs: dict[str, Input]
    outputs: dict[str, Output]
    runs: Runs

    def values(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the values of the input expressions: the given ones, else the defaults."""
        return {f"inputs.{name}": given.get(name, self.inputs[name].default) for name in self.inputs}


class Reports(msgspec.Struct, kw_only=True):
    """The reports of a GitLab job."""

    dotenv: str


class Artifacts(msgspec.Struct, kw_only=True):
    """The artifacts of a GitLab job."""

    reports: Reports | None = None


class GitlabJob(msgspec.Struct, kw_only=True):
    """A GitLab job or job template."""

    script: list[str] = []
    extends: str | None = None
    variables: dict[str, str] = {}
    artifacts: Artifacts | None = None


def read(name: str, kind: type[_Document]) -> _Document:
    """Read a YAML example."""
    return msgspec.convert(_load(name), kind)


def read_gitlab_jobs(name: str) -> dict[str, GitlabJob]:
    """Read the jobs of a GitLab file."""
    return {
        key: msgspec.convert(value, GitlabJob)
        for key, value in _load(name).items()
        if key not in {"include", "stages"}
    }


def _load(name: str) -> dict[str, object]:
    """Read YAML with strings only, because YAML 1.1 reads a workflow's key ``on`` as a boolean."""
    text = (EXAMPLES / name).read_text("utf-8")
    return msgspec.convert(yaml.load(text, Loader=yaml.BaseLoader), dict[str, object])  # noqa: S506 (makes only strings)


def filled_in(templates: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Return the templates with their expressions replaced by values."""
    return {
        name: re.sub(r"\$\{\{ (.+?) \}\}", lambda match: values[match[1]], text)
        for name, text in templates.items()
    }


def make_checkout(folder: Path) -> None:
    """Create a file of keys, an environment with watcher, and a curl that rejects tokens in arguments.

    The examples allow only https, but the simulator speaks plain http.
    """
    (folder / "keys.csv").write_text("user-1\nuser-2\n")
    programs = folder / "watcher" / "bin"
    programs.mkdir(parents=True)
    (folder / ".watcher").symlink_to("watcher")
    scripts = {
        "watcher": f'exec "{sys.executable}" -m watcher "$@"',
        "python3": f'exec "{sys.executable}" "$@"',
        "curl": f'case "$*" in *{TOKEN}*) exit 99 ;; esac\nexec "{shutil.which("curl")}" "$@" --proto =http',
    }
    for name, script in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)


def run(
    command: Sequence[str], folder: Path, base_uri: str, variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command of an example, and check that its output does not contain the token."""
    path = f"{folder / 'watcher' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    env = environment(base_uri, PYTHONPATH=str(ROOT), PATH=path) | _SPEED | dict(variables)
    finished = subprocess.run(
        command, check=False, capture_output=True, encoding="utf-8", cwd=folder, env=env, timeout=60
    )
    assert TOKEN not in finished.stdout + finished.stderr
    return finished


def run_step(
    step: Step, folder: Path, base_uri: str, values: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a step as GitHub's runner does."""
    assert "${{" not in step.run
    variables = filled_in(step.env, values) | {
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "RUNNER_TEMP": str(folder),
    }
    script = folder / "step.sh"
    script.write_text(step.run, "utf-8")
    shell = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)]
    return run(shell, folder, base_uri, variables)
