"""Tests of the program as a GitHub Actions step and as a GitLab job."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.processes import FAST, TOKEN, environment, finish, run_watcher, start_watcher
from tests.unit.reports.github.test_outputs import outputs

if TYPE_CHECKING:
    from tests.support.processes import StartSimulator


def step(folder: Path, base_uri: str, **variables: str) -> dict[str, str]:
    """Return the environment of a step."""
    files = {"GITHUB_OUTPUT": str(folder / "output"), "GITHUB_STEP_SUMMARY": str(folder / "summary")}
    return environment(base_uri, GITHUB_ACTIONS="true", **(files | variables))


def test_a_failed_step_is_reported_everywhere(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """Outputs, summary and one annotation report a stopped import."""
    simulator = start_simulator("stopped")
    finished = run_watcher(simulator.create(), *FAST, env=step(tmp_path, simulator.base_uri))
    assert finished.code == 3
    read = outputs((tmp_path / "output").read_text("utf-8"))
    assert (read["outcome"], read["status"], read["exit-code"]) == ("stopped", "stopped", "3")
    assert json.loads(read["result"])["imports"][0]["transitions"][-1]["to"] == "stopped"
    summary = (tmp_path / "summary").read_text("utf-8")
    assert summary.startswith("### ❌ LaunchDarkly import: stopped (exit code 3)\n")
    assert re.search(r"^stopped :crit, milestone, 2000-01-01 00:00:0", summary, re.MULTILINE)
    assert TOKEN not in summary + read["result"]
    lines = finished.err.splitlines()
    assert lines[-1].startswith(
        "::error title=LaunchDarkly import%3A stopped::stopped in LaunchDarkly after "
    )
    assert finished.err.count("stopped in LaunchDarkly") == 1
    assert not any(line.startswith("::") for line in lines[:-1])


def test_unwritable_files_fail_no_step(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """A missing directory and a full disk are each reported once; an empty variable is not."""
    simulator = start_simulator("stuck", speed=100.0)
    look = (simulator.create(), *FAST, "--until", "in_progress")
    missing = tmp_path / "missing" / "output"
    files = {"GITHUB_OUTPUT": str(missing), "GITHUB_STEP_SUMMARY": "/dev/full"}
    finished = run_watcher(*look, env=step(tmp_path, simulator.base_uri, **files))
    assert finished.code == 0
    assert finished.err.count("$GITHUB_OUTPUT could not be written: no such file or directory") == 1
    if Path("/dev/full").exists():
        assert finished.err.count("$GITHUB_STEP_SUMMARY could not be written: no space left on device") == 1
    assert "::" not in finished.err
    finished = run_watcher(
        *look, "--ci", "github", "--log-level", "error", env=environment(simulator.base_uri, GITHUB_OUTPUT="")
    )
    assert (finished.code, finished.err) == (0, "")


def test_a_usage_error_is_an_annotation(tmp_path: Path) -> None:
    """A rejected command line is one escaped annotation, and sets the outputs."""
    finished = run_watcher("a/100%", env=step(tmp_path, "http://127.0.0.1:9"))
    assert finished.code == 2
    assert finished.err.startswith("::error title=watcher%3A usage::watcher: ")
    assert "a/100%25" in finished.err
    assert finished.err.count("\n") == 1
    read = outputs((tmp_path / "output").read_text("utf-8"))
    assert (read["outcome"], read["exit-code"]) == ("usage", "2")
    plain = run_watcher("a/b", "--ci", "none", env=step(tmp_path, "http://127.0.0.1:9"))
    assert plain.err.startswith("watcher: ")


def test_a_json_log_has_no_annotations(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """Standard error stays JSON; outputs and summary are written."""
    simulator = start_simulator("stuck")
    finished = run_watcher(
        simulator.create(), "--once", "--log-format", "json", env=step(tmp_path, simulator.base_uri)
    )
    assert finished.code == 8
    assert finished.events[-1]["event"] == "result"
    assert outputs((tmp_path / "output").read_text("utf-8"))["outcome"] == "pending"
    assert "```mermaid" not in (tmp_path / "summary").read_text("utf-8")


@pytest.mark.parametrize("reason", ["the outcome", "a signal"])
def test_progress_is_a_section(start_simulator: StartSimulator, reason: str) -> None:
    """The section ends in any case, and the final message follows it."""
    simulator = start_simulator("stuck" if reason == "a signal" else "stopped")
    process = start_watcher(simulator.create(), *FAST, env=environment(simulator.base_uri, GITLAB_CI="true"))
    early = ""
    if reason == "a signal":
        assert process.stderr is not None
        while "in_progress" not in early:
            early += process.stderr.readline()
        process.send_signal(signal.SIGTERM)
    finished = finish(process)
    output = early + finished.err
    assert finished.code == (143 if reason == "a signal" else 3)
    # Python's text layer turns the carriage return of a marker into a newline.
    start, end = (f"\x1b\\[0Ksection_{mark}:\\d{{10}}:(\\w+)\n\x1b\\[0K" for mark in ("start", "end"))
    within = re.search(f"{start}(.+?){end}\n(.+)", output, re.DOTALL)
    assert within is not None, output
    assert within[1] == within[3]
    assert "in_progress" in within[2]
    assert within[4].count("\n") == 1
    assert ("interrupted by SIGTERM" if reason == "a signal" else "stopped in LaunchDarkly after") in within[
        4
    ]


@pytest.mark.parametrize(
    "options", [["--progress", "none"], ["--log-level", "error"], ["--log-format", "json"]]
)
def test_no_section_without_progress(start_simulator: StartSimulator, options: list[str]) -> None:
    """Only progress lines are put into sections."""
    simulator = start_simulator("stuck")
    finished = run_watcher(
        simulator.create(), "--once", *options, env=environment(simulator.base_uri, GITLAB_CI="true")
    )
    assert finished.code == 8
    assert "section_" not in finished.err
