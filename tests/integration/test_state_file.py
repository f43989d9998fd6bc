"""Successive single looks, and waits that continue in later runs, as processes."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import stat
import time
from contextlib import contextmanager, suppress
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.integration import crashes
from tests.support.processes import (
    FAST,
    TOKEN,
    Finished,
    StartSimulator,
    environment,
    finish,
    run_watcher,
    start_watcher,
)
from watcher.api.targets import parse_target
from watcher.core.answers.rate_limits import Hold
from watcher.core.model import Instant
from watcher.state.disk import open_state_file
from watcher.state.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TARGET = "default/production/big-spenders/1234a567"
NOWHERE = "http://127.0.0.1:1"
"""Nothing listens there, so a request would be reported."""


def look(state: Path, target: str, base_uri: str, *arguments: str) -> Finished:
    """Look once, as cron does."""
    return run_watcher("--once", "--state-file", str(state), target, *arguments, env=environment(base_uri))


def polls(state: Path) -> int:
    """Return the number of polls in the file."""
    (entry,) = json.loads(state.read_bytes())["imports"]
    return int(entry["wait"]["polls"])


def test_a_look_reports_only_changes(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """A look without a change prints nothing, but returns its code and any JSON that was asked for."""
    simulator, state = start_simulator("stuck", speed=50.0), tmp_path / "state"
    target = simulator.create()
    first = look(state, target, simulator.base_uri)
    assert (first.code, first.out[:8]) == (8, "pending ")
    time.sleep(0.2)
    second = look(state, target, simulator.base_uri)
    lines = second.err.splitlines()
    assert len(lines) == 3
    assert lines[0].endswith("which is not a LaunchDarkly host")
    assert "-> in_progress after " in lines[1]
    assert "not final yet: in_progress" in lines[2]
    assert second.out.endswith(" 2 polls\n")
    assert look(state, target, simulator.base_uri) == Finished(8, "", "")
    assert look(state, target, simulator.base_uri, "--log-format", "json") == Finished(8, "", "")
    time.sleep(1)  # a shorter pause is not mentioned
    asked_for = look(state, target, simulator.base_uri, "--output", "json", "--progress", "plain")
    assert "resumed after" in asked_for.err
    (one,) = json.loads(asked_for.out)["imports"]
    assert (one["polls"], [transition["to"] for transition in one["transitions"]][-1]) == (5, "in_progress")
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert TOKEN.encode() not in state.read_bytes()


@pytest.mark.parametrize("ci", ["none", "github"])
def test_a_look_names_several_imports(start_simulator: StartSimulator, tmp_path: Path, ci: str) -> None:
    """A look at several imports names those that share an outcome, and counts them among all."""
    simulator, state = start_simulator("stuck", speed=1e-3), str(tmp_path / "state")
    targets = [simulator.create(environment) for environment in ("test", "staging", "eu", "us", "asia")]
    names = [str(parse_target(target).ref) for target in targets]
    env = environment(simulator.base_uri)
    arguments = ("--once", "--state-file", state, "--ci", ci)
    first = run_watcher(*arguments, *targets[:2], env=env)
    assert f"preparing. Check again later. (2 imports: {', '.join(names[:2])})" in first.err
    second = run_watcher(*arguments, *targets, env=env)
    assert f"preparing. Check again later. (3 imports: {', '.join(names[2:])})" in second.err


def test_a_final_import_is_reported_without_a_request(
    start_simulator: StartSimulator, tmp_path: Path
) -> None:
    """A later look has the first one's result, including its time, but applies its own options."""
    simulator, state = start_simulator("stopped", speed=1000.0), tmp_path / "state"
    target = simulator.create()
    look(state, target, simulator.base_uri)
    time.sleep(0.05)
    told = look(state, target, simulator.base_uri, "--output", "json")
    assert told.code == 3
    counted = polls(state)
    again = look(state, target, simulator.base_uri, "--output", "json")
    assert (again.result, again.err) == (told.result, "")
    judged = look(state, target, simulator.base_uri, "--until", "stopped")
    assert (judged.code, judged.out[:8]) == (0, "reached ")
    assert polls(state) == counted


def test_an_import_that_does_not_appear(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """A 404 is 8 until --appear-within has passed since the first run, then 5; each is reported once."""
    simulator, state = start_simulator(), tmp_path / "state"
    arguments = (state, TARGET, simulator.base_uri, "--appear-within")
    first = look(*arguments, "1h")
    assert first.code == 8
    assert "no such import yet: HTTP 404" in first.err
    assert look(*arguments, "1h") == Finished(8, "", "")
    late = look(*arguments, "100ms")
    assert late.code == 5
    assert "there is no such import" in late.err
    assert look(*arguments, "100ms") == Finished(5, "", "")


def test_a_look_does_not_poll_during_a_hold(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """A look that gets a 429 saves the hold, and no later look polls before it is over."""
    simulator, state = start_simulator("throttled"), tmp_path / "state"
    target = simulator.create()
    assert [look(state, target, simulator.base_uri).code for _ in range(2)] == [8, 75]
    (hold,) = json.loads(state.read_bytes())["holds"].values()
    assert hold["resume_at"] >= hold["until"]
    with open_store(state, simulator.base_uri, [parse_target(target).ref], pytest.fail) as store:
        store.save([], Hold(60.0, 61.0, named=True), Instant(0.0, time.time()))
    counted = polls(state)
    held = look(state, target, simulator.base_uri, "--output", "json")
    assert (held.code, held.err) == (75, "")
    assert "not polled: the API asked an earlier run to wait" in str(held.result["imports"])
    assert polls(state) == counted == 2


def test_a_second_run_is_refused(tmp_path: Path) -> None:
    """While another run holds the lock, the code is 75 at once, with one line and without a request."""
    with open_state_file(tmp_path / "state", pytest.fail):
        finished = look(tmp_path / "state", TARGET, NOWHERE)
    (line,) = finished.err.splitlines()
    assert line == (
        f"watcher: another run is using --state-file {tmp_path}/state; nothing was requested. "
        "Wait until it ends, or name another file."
    )
    assert (finished.code, finished.out) == (75, "")
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("place", ["link", "missing/state"])
def test_a_path_that_cannot_be_used_is_refused_before_any_request(tmp_path: Path, place: str) -> None:
    """A symbolic link and a missing directory are code 2."""
    (tmp_path / "link").symlink_to("elsewhere")
    finished = look(tmp_path / place, TARGET, NOWHERE)
    assert (finished.code, finished.out) == (2, "")
    (line,) = finished.err.splitlines()
    assert line.startswith("watcher: --state-file: ")


def test_a_damaged_file_is_set_aside(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """A warning is printed even if there is nothing else to report, and the look continues."""
    simulator, state = start_simulator("stuck", speed=1000.0), tmp_path / "state"
    target = simulator.create()
    look(state, target, simulator.base_uri)
    damaged = state.read_bytes()[:-9]
    state.write_bytes(damaged)
    finished = look(state, target, simulator.base_uri)
    assert finished.code == 8
    assert "warning: --state-file" in finished.err
    (aside,) = tmp_path.glob("state.2*")
    assert aside.read_bytes() == damaged
    assert polls(state) == 1


def test_a_killed_wait_continues(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """After SIGKILL the timeouts count from the first run, and no transition is reported again."""
    simulator, state = start_simulator("stuck", speed=50.0), tmp_path / "state"
    env = environment(simulator.base_uri)
    command = (simulator.create(), *FAST, "--state-file", str(state))
    process = start_watcher(*command, env=env)
    assert process.stderr is not None
    while "in_progress" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    finish(process)
    time.sleep(1.0)
    finished = run_watcher(*command, "--max-in-state", "in_progress=1s", "--output", "json", env=env)
    assert finished.code == 124
    host, first, last = finished.err.splitlines()
    assert host.endswith("which is not a LaunchDarkly host")
    assert "; resumed after " in first
    assert first.endswith(", last status in_progress")
    assert "timed out: in_progress for more than 1s" in last
    (one,) = json.loads(finished.out)["imports"]
    assert one["in_state_s"] >= 1.0
    assert one["transitions"][-1]["to"] == "in_progress"


def test_kills_at_random_moments(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """However often it is killed, a wait loses nothing, reports nothing twice and keeps its beginning."""
    wait = crashes.play(start_simulator("happy", speed=2.0), tmp_path, Random(6), kills=6, lifetime=0.5)
    crashes.check(wait)
    assert wait.kills > 2


def test_two_runs_at_the_same_time(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """One of two simultaneous runs is refused, unless they happen to run one after the other."""
    simulator, state = start_simulator("stuck", speed=1000.0), tmp_path / "state"
    target, env = simulator.create(), environment(simulator.base_uri)
    looks = 0
    for _ in range(2):
        command = ("--once", "--state-file", str(state), target)
        codes = [finish(process).code for process in [start_watcher(*command, env=env) for _ in range(2)]]
        assert set(codes) <= {8, 75}
        assert 8 in codes
        looks += codes.count(8)
    assert polls(state) == looks


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a file system of 64 KiB; skip the test if that is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, b"size=64k") != 0:
        pytest.skip("only root mounts file systems, and not everywhere")
    try:
        yield
    finally:
        libc.umount2(os.fsencode(folder), 2)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts file systems")
def test_a_full_disk_does_not_end_the_watch(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """The wait ends as usual, one line says that it was not saved, and the old file is intact."""
    simulator, state = start_simulator("happy", speed=8.0), tmp_path / "state"
    env = environment(simulator.base_uri)
    with small_disk(tmp_path):
        process = start_watcher(simulator.create(), *FAST, "--state-file", str(state), env=env)
        while not state.exists():
            time.sleep(0.01)
        with (tmp_path / "rest").open("wb", buffering=0) as rest:
            while process.poll() is None:
                # Repeatedly: an unfinished write frees the space of the old content.
                with suppress(OSError):
                    while rest.write(b"x" * 1024):
                        pass
                time.sleep(0.01)
        finished = finish(process)
        assert finished.code == 0
        assert "in_progress -> complete" in finished.err
        warnings = [line for line in finished.err.splitlines() if "no space left on device" in line]
        assert len(warnings) == 1
        assert json.loads(state.read_bytes())["program"] == "watcher"
        assert not (tmp_path / "state.new").exists()
        refused = look(state, TARGET, NOWHERE)
        assert refused.code == 2
        assert "cannot be written: no space left on device" in refused.err
