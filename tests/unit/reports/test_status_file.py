"""Tests of the status file, with a simulated clock and loop."""

from __future__ import annotations

import json
import os
import stat
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.results import NOTHING_WATCHED, builder_of, life
from watcher.core.events import Heartbeat
from watcher.reports.files import replace_file
from watcher.reports.status_file import StatusFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Loop:
    """Keep deferred calls; each reading of the clock takes a tenth of a second."""

    def __init__(self) -> None:
        self.now = 0.0
        self.deferred: list[tuple[float, Callable[[], None]]] = []

    def clock(self) -> float:
        """Return the time."""
        self.now += 0.1
        return self.now

    def defer(self, delay: float, function: Callable[[], None]) -> None:
        """Keep a call."""
        self.deferred.append((delay, function))

    def run(self) -> float:
        """Make the only deferred call and return its delay."""
        ((delay, function),) = self.deferred
        self.deferred.clear()
        function()
        return delay


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    """Return a loop whose clock the report reads."""
    loop = Loop()
    monkeypatch.setattr(time, "monotonic", loop.clock)
    return loop


def status_of(path: Path) -> object:
    """Return the status of the only import in the file."""
    return json.loads(path.read_text())["imports"][0]["status"]


def test_changes_at_the_same_time_share_a_write(tmp_path: Path, loop: Loop) -> None:
    """Several events in one turn of the loop make one write, and a heartbeat makes none."""
    events = life("preparing", "ready", "in_progress")
    path = tmp_path / "status.json"
    report = StatusFile(path, builder_of(events), loop.defer)
    for event in events:
        report.receive(event)
    assert loop.run() == 0
    assert status_of(path) == "in_progress"
    first = path.stat().st_ino
    heartbeat = Heartbeat(events[-1].ref, events[-1].at, events[-1].progress, 1, None, None)
    report.receive(heartbeat)
    assert loop.deferred == []
    assert path.stat().st_ino == first


def test_a_slow_write_is_followed_by_a_pause(tmp_path: Path, loop: Loop) -> None:
    """After a write of 100 ms changes wait for 2 s; the result does not."""
    events = life("preparing", "complete")
    path = tmp_path / "status.json"
    builder = builder_of(events)
    report = StatusFile(path, builder, loop.defer)
    report.receive(events[0])
    loop.run()
    report.receive(events[1])
    path.unlink()
    report.finish(builder.result())
    assert json.loads(path.read_text())["outcome"] == "complete"
    path.unlink()
    assert loop.run() == pytest.approx(1.9)
    assert not path.exists()  # nothing is written after the result


def test_a_failed_write_is_raised_at_the_next_event(tmp_path: Path, loop: Loop) -> None:
    """A report may raise only while it receives something."""
    events = life("preparing", "ready")
    report = StatusFile(tmp_path / "missing" / "status.json", builder_of(events), loop.defer)
    report.receive(events[0])
    loop.run()
    with pytest.raises(FileNotFoundError):
        report.receive(events[1])


def test_a_run_that_watched_nothing_writes_its_reason(tmp_path: Path, loop: Loop) -> None:
    """A program that waits for the file reads why there are no imports."""
    path = tmp_path / "status.json"
    StatusFile(path, builder_of(), loop.defer).finish(NOTHING_WATCHED)
    result = json.loads(path.read_text())
    assert (result["outcome"], result["message"], result["imports"]) == ("usage", NOTHING_WATCHED.message, [])


def test_other_users_can_read_the_file_whatever_the_umask(tmp_path: Path) -> None:
    """Containers of a Pod often run as different users."""
    path = tmp_path / "status.json"
    before = os.umask(0o077)
    try:
        replace_file(path, b"{}")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_reader_keeps_a_complete_file(tmp_path: Path) -> None:
    """An open old file can be read to its end, and no temporary file is left."""
    path = tmp_path / "status.json"
    replace_file(path, b"old")
    with path.open() as reader:
        replace_file(path, b"new")
        assert reader.read() == "old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_the_target_of_a_link_is_replaced(tmp_path: Path) -> None:
    """A symbolic link stays one, such as a link into another volume."""
    (tmp_path / "volume").mkdir()
    link = tmp_path / "status.json"
    link.symlink_to(tmp_path / "volume" / "status.json")
    replace_file(link, b"{}")
    assert link.is_symlink()
    assert link.read_bytes() == b"{}"


@pytest.mark.parametrize("kind", ["directory", "pipe"])
def test_only_a_regular_file_is_replaced(tmp_path: Path, kind: str) -> None:
    """A pipe or a directory is left as it is, and no temporary file is left."""
    path = tmp_path / "status.json"
    path.mkdir() if kind == "directory" else os.mkfifo(path)
    with pytest.raises(OSError, match="not a regular file"):
        replace_file(path, b"{}")
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is not filled any further."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fchmod", fail)
    with pytest.raises(OSError, match="No space"):
        replace_file(tmp_path / "status.json", b"{}")
    assert list(tmp_path.iterdir()) == []
