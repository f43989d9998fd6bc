"""Tests of standard output and standard error, and of the sources of targets."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.processes import FAST, SEGMENT, TOKEN, StartSimulator, environment, run_watcher


def test_json_is_the_object_of_the_contract(start_simulator: StartSimulator) -> None:
    """``--output json`` writes one object with every field that scripts rely on."""
    simulator = start_simulator("stuck")
    finished = run_watcher(
        simulator.create(),
        *FAST,
        "--until",
        "in_progress",
        "--output",
        "json",
        env=environment(simulator.base_uri),
    )
    result = finished.result
    assert list(result) == [
        "schema_version",
        "outcome",
        "exit_code",
        "elapsed_s",
        "message",
        "base_uri",
        "imports",
    ]
    assert (result["schema_version"], result["outcome"], result["exit_code"]) == (1, "reached", 0)
    (one,) = json.loads(finished.out)["imports"]
    assert result["message"] == one["message"]
    # Not one element on each line, so that the whole table fits on a screen.
    assert list(one) == [
        "target", "project", "environment", "segment", "import_id", "outcome", "exit_code", "status",
        "in_state_s", "mode", "created_at", "files", "transitions", "polls", "throttled", "errors",
        "elapsed_s", "message",
    ]  # fmt: skip
    assert one["target"] == f"default/production/big-spenders/{one['import_id']}"
    assert one["mode"] == "replace"
    assert one["created_at"].endswith("Z")
    assert one["files"][0]["filename"] == "keys.csv"
    assert one["transitions"][0]["from"] is None
    assert one["transitions"][-1]["to"] == one["status"] == "in_progress"
    assert list(one["transitions"][0]) == ["from", "to", "at", "elapsed_s", "in_state_s", "expected"]


def test_jsonl_has_the_events_and_last_the_result(start_simulator: StartSimulator) -> None:
    """``--output jsonl`` writes one event a line with its name, its time and its target."""
    simulator = start_simulator("stopped")
    finished = run_watcher(
        simulator.create(), *FAST, "--output", "jsonl", env=environment(simulator.base_uri)
    )
    events = [json.loads(line) for line in finished.out.splitlines()]
    assert [events[0]["event"], events[-2]["event"], events[-1]["event"]] == ["watching", "outcome", "result"]
    assert all(event["at"].endswith("Z") for event in events)
    assert all("target" in event for event in events[:-1])
    assert events[-1]["imports"][0]["outcome"] == "stopped"


def test_json_log_is_json_to_the_last_line(start_simulator: StartSimulator) -> None:
    """``--log-format json`` makes every line of standard error an object, the explanation included."""
    simulator = start_simulator("stopped")
    env = environment(simulator.base_uri, WATCHER_LOG_FORMAT="json")
    finished = run_watcher(simulator.create(), *FAST, env=env)
    assert finished.out == ""
    assert [event["event"] for event in finished.events[:2]] == ["base_uri", "watching"]
    assert "create a new one" in str(finished.events[-2]["message"])
    last = finished.events[-1]
    assert (last["event"], last["level"], last["outcome"], last["exit_code"]) == (
        "result",
        "error",
        "stopped",
        3,
    )
    usage = run_watcher("a/b", env=env)
    assert [(event["event"], event["level"], event["exit_code"]) for event in usage.events] == [
        ("result", "error", 2)
    ]
    assert usage.events[0]["message"]


def test_a_success_is_silent_at_level_error(start_simulator: StartSimulator) -> None:
    """``--log-level error`` writes nothing about a success and explains every other outcome."""
    simulator = start_simulator("stuck")
    env = environment(simulator.base_uri)
    url = simulator.create()
    quiet = ("--log-level", "error", *FAST)
    assert run_watcher(url, "--until", "preparing", *quiet, env=env).err == ""
    assert "timed out after 100ms" in run_watcher(url, "--timeout", "100ms", *quiet, env=env).err
    remapped = run_watcher(url, "--until", "preparing", "--exit-code", "reached=9", *quiet, env=env)
    assert remapped.code == 9
    assert "error: reached: exit code 9, set by --exit-code (default/production/" in remapped.err


def test_a_pending_import_is_no_warning(start_simulator: StartSimulator) -> None:
    """An import that is not final is no failure, but explained at every level."""
    simulator = start_simulator("stuck")
    env = environment(simulator.base_uri)
    look = ("--once", "--log-level", "error", simulator.create())
    (line,) = run_watcher(*look, env=env).err.splitlines()
    assert re.match(r"[\d:]+ not final yet: ", line)
    events = run_watcher(*look, "--log-format", "json", env=env).events
    assert [(event["event"], event["level"]) for event in events] == [
        ("outcome", "info"),
        ("result", "info"),
    ]


@pytest.mark.parametrize("scenario", ["happy", "stopped"])
@pytest.mark.parametrize("log_format", ["console", "json"])
def test_quiet_shows_failures_only(start_simulator: StartSimulator, scenario: str, log_format: str) -> None:
    """With ``-q`` neither progress nor hints nor a success reach standard error, in both formats."""
    simulator = start_simulator(scenario, speed=1000.0)
    hinted = environment(simulator.base_uri, WATCHER_TIMEOT="1h")
    finished = run_watcher(simulator.create(), "-q", *FAST, f"--log-format={log_format}", env=hinted)
    assert finished.code == (0 if scenario == "happy" else 3)
    assert finished.err.count("\n") == {"happy": 0, "stopped": 1 if log_format == "console" else 2}[scenario]


def test_no_progress_leaves_the_explanation(start_simulator: StartSimulator) -> None:
    """``--progress none`` keeps the final message."""
    simulator = start_simulator("stuck")
    finished = run_watcher(
        simulator.create(), "--progress", "none", "--once", env=environment(simulator.base_uri)
    )
    assert finished.err.count("\n") == 1
    assert "not final yet" in finished.err


def test_a_heartbeat_breaks_the_silence(start_simulator: StartSimulator) -> None:
    """A CI service that kills silent jobs sees a line at least every ``--heartbeat``."""
    simulator = start_simulator("stuck", speed=100.0)
    finished = run_watcher(
        simulator.create(), "--heartbeat", "300ms", "--timeout", "4s", env=environment(simulator.base_uri)
    )
    assert finished.err.count("still in_progress after") >= 2


@pytest.mark.parametrize("output", ["text", "jsonl"])
def test_a_closed_pipe_is_no_error(start_simulator: StartSimulator, output: str) -> None:
    """A reader that is gone does not change the exit code."""
    simulator = start_simulator("stopped")
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", simulator.create(), *FAST, "--output", output],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(simulator.base_uri),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 3
    assert "Traceback" not in err
    assert "BrokenPipe" not in err


@pytest.mark.parametrize("option", ["--help", "--version", "--print-schema"])
def test_a_closed_pipe_of_the_help_is_no_error(option: str) -> None:
    """``--help | head -1`` ends with code 0."""
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", option], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, err) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_is_reported_once(start_simulator: StartSimulator) -> None:
    """A result that cannot be written does not change the exit code."""
    simulator = start_simulator("stuck")
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(
            [sys.executable, "-m", "watcher", simulator.create(), "--until", "preparing"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=environment(simulator.base_uri),
        )
    assert process.returncode == 0
    assert process.stderr.count("the result on standard output could not be written: no space left") == 1


def test_closed_standard_streams(start_simulator: StartSimulator) -> None:
    """A process without standard output and standard error has the right exit code."""
    simulator = start_simulator("stopped")
    command = f'exec "{sys.executable}" -m watcher {simulator.create()} {" ".join(FAST)} >&- 2>&-'
    shell = subprocess.run(["/bin/sh", "-c", command], check=False, env=environment(simulator.base_uri))
    assert shell.returncode == 3


def test_output_is_utf_8_in_an_ascii_locale(start_simulator: StartSimulator) -> None:
    """The encoding does not depend on the locale."""
    simulator = start_simulator("happy")
    env = environment(
        simulator.base_uri, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="ascii"
    )
    finished = run_watcher("-", "--appear-within", "0", env=env, text="a/b/\u00f6/d")
    assert finished.code == 5
    assert finished.out.startswith("not_found a/b/\u00f6/d ")


@pytest.mark.parametrize("form", ["headers", "list", "file", "options", "variables"])
def test_where_targets_come_from(start_simulator: StartSimulator, tmp_path: Path, form: str) -> None:
    """Headers in a pipe, a list, a file, options and variables name the import."""
    simulator = start_simulator("stuck")
    url = simulator.create()
    import_id = url.rsplit("/", 1)[1]
    env = environment(simulator.base_uri)
    listing = tmp_path / "targets"
    listing.write_text(f"# tonight\n{url}\n")
    keys = ["--segment", "big-spenders", "--import-id", import_id]
    given: dict[str, tuple[list[str], str]] = {
        "headers": (["-"], f"HTTP/1.1 204 No Content\r\nLocation: {url}\r\n\r\n"),
        "list": (["-"], f"\n{url}\n{url}\n"),
        "file": ([f"@{listing}"], ""),
        "options": (["--project", "default", "--environment", "production", *keys], ""),
        "variables": (keys, ""),
    }
    arguments, text = given[form]
    if form == "variables":
        env |= {"LD_PROJECT": "default", "LD_ENVIRONMENT": "production"}
    finished = run_watcher(*arguments, "--until", "preparing", env=env, text=text)
    assert finished.code == 0, finished.err
    assert import_id in finished.out
    assert finished.out.count("\n") == 1


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_main_job(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """An import that curl creates is watched until it is complete."""
    simulator = start_simulator("happy", speed=5.0)
    (tmp_path / "keys.csv").write_text("user-1\nuser-2\n")
    command = (
        'set -eu; curl -sS -D - -o /dev/null -X POST -H "Authorization: $LD_ACCESS_TOKEN" '
        f'-F file=@keys.csv -F mode=merge "$LD_BASE_URI{SEGMENT}/imports" '
        f'| "{sys.executable}" -m watcher - {" ".join(FAST)}'
    )
    shell = subprocess.run(
        ["/bin/sh", "-c", command],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(simulator.base_uri, PYTHONPATH=str(Path(__file__).parents[2])),
    )
    assert shell.returncode == 0, shell.stderr
    assert shell.stdout.startswith("complete default/production/big-spenders/")
    assert TOKEN not in shell.stdout + shell.stderr


@pytest.mark.parametrize("options", [["--output", "json"], ["--output", "jsonl"], ["--log-format", "json"]])
def test_an_unknown_status_in_json(start_simulator: StartSimulator, options: list[str]) -> None:
    """An unknown status is a string like any other."""
    simulator = start_simulator("unknown-status", speed=4.0)
    finished = run_watcher(
        simulator.create(), *FAST, *options, "--unknown-status", "fail", env=environment(simulator.base_uri)
    )
    assert finished.code == 6
    assert '"validating"' in (finished.out if options[0] == "--output" else finished.err)


def test_a_non_blocking_pipe_gets_the_complete_result(start_simulator: StartSimulator) -> None:
    """A slow reader with a non-blocking pipe, such as Node.js, receives all of the JSON."""
    simulator = start_simulator("stuck")
    targets = "".join(f"p/e/s/{number}\n" for number in range(300))
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", "-", "--appear-within", "0", "--output", "json"],
        stdin=subprocess.PIPE,
        stdout=writing,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(simulator.base_uri, PYTHONUNBUFFERED="1"),
    ) as process:
        os.close(writing)
        assert process.stdin is not None
        process.stdin.write(targets)
        process.stdin.close()
        time.sleep(2)
        with os.fdopen(reading, "rb") as pipe:
            result = json.loads(pipe.read())
    assert len(result["imports"]) == 300
    assert process.returncode == 5
