"""The status file, with a clock and a loop of the test's own."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

from tests.support.ledgers import builder_of, life
from watcher.core.events import Heartbeat
from watcher.core.exit_codes import Result
from watcher.core.statuses import Outcome
from watcher.reports.status_file import StatusFile, replace_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONCLUSION = Result(Outcome.COMPLETE, 0)


class Loop:
    """Keeps what is deferred; each reading of its clock takes a tenth of a second."""

    def __init__(self) -> None:
        self.now = 0.0
        self.deferred: list[tuple[float, Callable[[], None]]] = []

    def clock(self) -> float:
        """Tells the time, which goes on by that."""
        self.now += 0.1
        return self.now

    def defer(self, delay: float, function: Callable[[], None]) -> None:
        """Keeps a call."""
        self.deferred.append((delay, function))

    def run(self) -> float:
        """Does the one deferred call, and gives its delay."""
        ((delay, function),) = self.deferred
        self.deferred.clear()
        function()
        return delay


def status_of(path: Path) -> object:
    """The last status that the file tells."""
    return json.loads(path.read_text())["imports"][0]["status"]


def test_changes_that_come_together_share_a_write(tmp_path: Path) -> None:
    """A turn of the loop that changes much makes one file, and a heartbeat makes none."""
    events = life("preparing", "ready", "in_progress")
    path, loop = tmp_path / "status.json", Loop()
    report = StatusFile(path, builder_of(events), loop.defer, loop.clock)
    for event in events:
        report.receive(event)
    assert loop.run() == 0
    assert status_of(path) == "in_progress"
    first = path.stat().st_ino
    heartbeat = Heartbeat(events[-1].ref, events[-1].at, events[-1].progress, 1, None, None)
    report.receive(heartbeat)
    assert loop.deferred == []
    assert path.stat().st_ino == first


def test_a_large_fleet_is_not_rewritten_all_the_time(tmp_path: Path) -> None:
    """After a write of 100 ms come 2 s of rest, in which changes wait; the end does not."""
    events = life("preparing", "complete")
    path, loop = tmp_path / "status.json", Loop()
    report = StatusFile(path, builder_of(events), loop.defer, loop.clock)
    report.receive(events[0])
    loop.run()
    report.receive(events[1])
    path.unlink()
    report.finish(CONCLUSION)
    assert json.loads(path.read_text())["outcome"] == "complete"
    path.unlink()
    assert loop.run() == pytest.approx(1.9)
    assert not path.exists()  # the end was the last word


def test_a_failure_is_told_at_the_next_event(tmp_path: Path) -> None:
    """A write that fails between events is raised where a report may raise."""
    events = life("preparing", "ready")
    loop = Loop()
    report = StatusFile(tmp_path / "missing" / "status.json", builder_of(events), loop.defer, loop.clock)
    report.receive(events[0])
    loop.run()
    with pytest.raises(FileNotFoundError):
        report.receive(events[1])


def test_everybody_may_read_the_file_whatever_the_umask(tmp_path: Path) -> None:
    """Other containers run as other users."""
    path = tmp_path / "status.json"
    before = os.umask(0o077)
    try:
        replace_file(path, b"{}")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_reader_keeps_a_whole_file(tmp_path: Path) -> None:
    """Who has the old file open reads it to its end, and nothing is left beside the new one."""
    path = tmp_path / "status.json"
    replace_file(path, b"old")
    with path.open() as reader:
        replace_file(path, b"new")
        assert reader.read() == "old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_leads_to_the_file(tmp_path: Path) -> None:
    """A symbolic link stays one, as where a folder of another volume is linked in."""
    (tmp_path / "volume").mkdir()
    link = tmp_path / "status.json"
    link.symlink_to(tmp_path / "volume" / "status.json")
    replace_file(link, b"{}")
    assert link.is_symlink()
    assert link.read_bytes() == b"{}"


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_not_replaced(tmp_path: Path, kind: str) -> None:
    """A device, a pipe or a folder is left as it is, with nothing beside it."""
    path = tmp_path / "status.json"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    with pytest.raises(OSError, match="not a regular file"):
        replace_file(path, b"{}")
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A temporary file goes with the failure that made it useless."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fchmod", fail)
    with pytest.raises(OSError, match="No space"):
        replace_file(tmp_path / "status.json", b"{}")
    assert list(tmp_path.iterdir()) == []
