"""The program as a step of GitHub Actions and as a job of GitLab."""

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
    """The environment that the runner gives a step."""
    files = {"GITHUB_OUTPUT": str(folder / "output"), "GITHUB_STEP_SUMMARY": str(folder / "summary")}
    return environment(base_uri, GITHUB_ACTIONS="true", **(files | variables))


def test_a_step_that_fails_says_so_everywhere(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """Outputs, summary and one annotation tell of a stopped import; the code is unchanged."""
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
    assert lines[-1].startswith("::error title=LaunchDarkly import%3A stopped::default/production/")
    assert finished.err.count("LaunchDarkly stopped the import") == 1
    assert not any(line.startswith("::") for line in lines[:-1])


def test_a_step_without_files_fails_nothing(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """A missing folder and a full disk are each said once; names that are empty or not set are not."""
    simulator = start_simulator("stuck", speed=100.0)
    look = (simulator.create(), *FAST, "--until", "in_progress")
    missing = tmp_path / "missing" / "output"
    files = {"GITHUB_OUTPUT": str(missing), "GITHUB_STEP_SUMMARY": "/dev/full"}
    finished = run_watcher(*look, env=step(tmp_path, simulator.base_uri, **files))
    assert finished.code == 0
    assert finished.err.count("$GITHUB_OUTPUT could not be written: No such file or directory") == 1
    if Path("/dev/full").exists():
        assert finished.err.count("$GITHUB_STEP_SUMMARY could not be written: No space left on device") == 1
    assert "::" not in finished.err
    finished = run_watcher(
        *look, "--ci", "github", "--log-level", "error", env=environment(simulator.base_uri, GITHUB_OUTPUT="")
    )
    assert (finished.code, finished.err) == (0, "")


def test_a_usage_error_is_an_annotation(tmp_path: Path) -> None:
    """So is what keeps a watch from beginning; it is escaped as any other."""
    finished = run_watcher("a/100%", env=step(tmp_path, "http://127.0.0.1:9"))
    assert finished.code == 2
    assert finished.err.startswith("::error title=watcher%3A usage::watcher: ")
    assert "a/100%25" in finished.err
    assert finished.err.count("\n") == 1
    plain = run_watcher("a/b", "--ci", "none", env=step(tmp_path, "http://127.0.0.1:9"))
    assert plain.err.startswith("watcher: ")


def test_a_json_log_has_no_annotations(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """Whoever asked for JSON gets only JSON; outputs and summary are written all the same."""
    simulator = start_simulator("stuck")
    finished = run_watcher(
        simulator.create(), "--once", "--log-format", "json", env=step(tmp_path, simulator.base_uri)
    )
    assert finished.code == 8
    assert finished.events[-1]["event"] == "result"
    assert outputs((tmp_path / "output").read_text("utf-8"))["outcome"] == "pending"
    assert "```mermaid" not in (tmp_path / "summary").read_text("utf-8")


@pytest.mark.parametrize("way_out", ["the end", "a signal"])
def test_progress_is_a_section_of_the_job(start_simulator: StartSimulator, way_out: str) -> None:
    """The section is ended on every way out, and the closing words stand after it."""
    simulator = start_simulator("stuck" if way_out == "a signal" else "stopped")
    process = start_watcher(simulator.create(), *FAST, env=environment(simulator.base_uri, GITLAB_CI="true"))
    early = ""
    if way_out == "a signal":
        assert process.stderr is not None
        while "in_progress" not in early:
            early += process.stderr.readline()
        process.send_signal(signal.SIGTERM)
    finished = finish(process)
    told = early + finished.err
    assert finished.code == (143 if way_out == "a signal" else 3)
    # Python's text layer reads a mark's carriage return as an end of line.
    start, end = (f"\x1b\\[0Ksection_{mark}:\\d{{10}}:(\\w+)\n\x1b\\[0K" for mark in ("start", "end"))
    within = re.search(f"{start}(.+?){end}\n(.+)", told, re.DOTALL)
    assert within is not None, told
    assert within[1] == within[3]
    assert "in_progress" in within[2]
    assert within[4].count("\n") == 1
    assert ("interrupted by SIGTERM" if way_out == "a signal" else "stopped after") in within[4]


@pytest.mark.parametrize(
    "options", [["--progress", "none"], ["--log-level", "error"], ["--log-format", "json"]]
)
def test_no_section_where_there_is_no_progress(start_simulator: StartSimulator, options: list[str]) -> None:
    """Only people's progress is put into sections."""
    simulator = start_simulator("stuck")
    finished = run_watcher(
        simulator.create(), "--once", *options, env=environment(simulator.base_uri, GITLAB_CI="true")
    )
    assert finished.code == 8
    assert "section_" not in finished.err
