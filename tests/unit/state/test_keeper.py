"""What a run has from the ones before it, and what it leaves to the next."""

from __future__ import annotations

import errno
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.driving import EPOCH, MISSING, REF, Driven, seen
from watcher.core.answers.rate_limits import Hold
from watcher.core.errors import UsageError
from watcher.core.events import Ended
from watcher.core.model import ImportRef, Instant
from watcher.core.policy import Policy
from watcher.core.wait.saved import LONGEST_REST, Stamp
from watcher.state import keeper as module
from watcher.state.disk import StateFile, open_state_file
from watcher.state.document import decode
from watcher.state.keeper import Keeper, system_stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

BASE = "https://app.launchdarkly.com"
EU = "https://app.eu.launchdarkly.com"
OTHER = ImportRef("default", "production", "big-spenders", "other")


@contextmanager
def keeping(
    path: Path,
    at: float = 0.0,
    *,
    refs: Sequence[ImportRef] = (REF,),
    base_uri: str = BASE,
    complaints: list[str] | None = None,
    stamps: Callable[[], Stamp] | None = None,
) -> Iterator[Keeper]:
    """A keeper of one run that begins some seconds after ``EPOCH``."""
    file = open_state_file(path)
    try:
        yield Keeper(
            file,
            base_uri,
            refs,
            (list[str]() if complaints is None else complaints).append,
            stamps or (lambda: Stamp(EPOCH + at)),
        )
    finally:
        file.close()


def instant(at: float) -> Instant:
    """A moment of a run that began at ``EPOCH``."""
    return Instant(at, EPOCH + at)


def test_the_first_run_begins_the_wait_and_the_second_goes_on(tmp_path: Path) -> None:
    """When the wait began is there before anything is asked, and stays."""
    path = tmp_path / "state"
    for at in (0.0, 60.0, 120.0):
        with keeping(path, at) as keeper:
            assert keeper.past.waits[REF].began == EPOCH
            assert decode(path.read_bytes()).imports[0].kept.stamp().unix == EPOCH + at


def test_changes_are_kept_as_they_happen(tmp_path: Path) -> None:
    """What a killed process has told, and no more, is what the next run knows."""
    path, driven = tmp_path / "state", Driven(Policy())
    with keeping(path) as keeper:
        for at, status in ((1.0, "preparing"), (2.0, "ready"), (9.0, "ready")):
            step = driven.receive(seen(status), at=at)
            keeper.keep(step.events, None, instant(at))
    with keeping(path, 60.0) as keeper:
        memory = keeper.past.waits[REF]
        assert [transition.to for transition in memory.transitions] == ["preparing", "ready"]
        assert (memory.began, memory.since, memory.polls) == (EPOCH, EPOCH + 2.0, 2)


def test_a_hold_is_kept_even_where_nothing_is_told(tmp_path: Path) -> None:
    """An answer that shows no change can still say that nothing is left of a window."""
    path = tmp_path / "state"
    with keeping(path) as keeper:
        keeper.keep([], Hold(40.0, 44.0, named=True), instant(1.0))
    with keeping(path, 10.0) as keeper:
        assert keeper.past.hold is not None
        assert keeper.past.hold.until == pytest.approx(EPOCH + 40.0)
    with keeping(path, 10.0, base_uri=EU) as keeper:
        assert keeper.past.hold is None
    with keeping(path, 10.0) as keeper:
        assert keeper.past.hold is not None
    with keeping(path, 44.0) as keeper:
        assert keeper.past.hold is None
    assert decode(path.read_bytes()).holds == []


def test_a_hold_outlasts_a_step_of_the_wall_clock_during_the_run(tmp_path: Path) -> None:
    """What is written after the step still says when the hold was kept, so the next run can tell the step."""
    path = tmp_path / "state"
    stamp = Stamp(EPOCH, "boot", 100.0)
    driven = Driven(Policy(once=True, remembered=True))
    driven.receive(MISSING)
    with keeping(path, stamps=lambda: stamp) as keeper:
        keeper.keep([], Hold(1800.0, 1900.0, named=True), instant(0.0))
        stamp = Stamp(EPOCH + 7200.0 + 10.0, "boot", 110.0)
        keeper.finish([driven.ended])
    with keeping(path, stamps=lambda: stamp) as keeper:
        assert keeper.past.hold is not None
        assert keeper.past.hold.until == pytest.approx(EPOCH + 7200.0 + 1800.0)


def test_two_commands_keep_each_other_s_entries(tmp_path: Path) -> None:
    """The same keys at another base URI, and other imports at the same, are waits of their own."""
    path = tmp_path / "state"
    with keeping(path):
        pass
    with keeping(path, 10.0, refs=[OTHER]) as keeper:
        assert keeper.past.waits[OTHER].began == EPOCH + 10.0
    with keeping(path, 20.0, base_uri=EU, refs=[OTHER, REF]) as keeper:
        assert keeper.past.waits[REF].began == EPOCH + 20.0
    with keeping(path, 30.0, refs=[REF, OTHER]) as keeper:
        assert [wait.began - EPOCH for wait in keeper.past.waits.values()] == [0.0, 10.0]
    assert len(decode(path.read_bytes()).imports) == 4


def test_entries_that_nobody_uses_are_dropped(tmp_path: Path) -> None:
    """After 30 days without a run a wait begins anew, and those of other commands go too."""
    path = tmp_path / "state"
    with keeping(path, refs=[REF, OTHER]):
        pass
    with keeping(path, LONGEST_REST - 1):
        pass
    late = LONGEST_REST + 1
    with keeping(path, late) as keeper:
        assert keeper.past.waits[REF].began == EPOCH
    assert [entry.ref for entry in decode(path.read_bytes()).imports] == [REF]
    with keeping(path, 2 * late + LONGEST_REST) as keeper:
        assert keeper.past.waits[REF].began == EPOCH + 2 * late + LONGEST_REST


def test_an_end_is_news_once(tmp_path: Path) -> None:
    """A look is news where outcome or status differ from what was told, and only what was told counts."""
    path = tmp_path / "state"
    wishes = Policy(once=True, remembered=True)

    def look(at: float, status: str, *, told: bool = True) -> bool:
        with keeping(path, at) as keeper:
            driven = Driven(wishes)
            driven.receive(seen(status) if status else MISSING)
            keeper.keep(driven.events, None, instant(at))
            news = keeper.is_news(driven.ended)
            if told:
                keeper.finish([driven.ended])
            return news

    assert look(0.0, "")
    assert not look(10.0, "")
    assert look(20.0, "ready", told=False)
    assert look(30.0, "ready")
    assert not look(40.0, "ready")
    assert look(50.0, "in_progress")


def test_a_final_memory_is_never_changed(tmp_path: Path) -> None:
    """A later run that reports a final import again neither moves its moments nor counts anything."""
    path, driven = tmp_path / "state", Driven(Policy())
    with keeping(path) as keeper:
        keeper.keep(driven.receive(seen("complete"), at=42.0).events, None, instant(42.0))
        keeper.finish([driven.ended])
        before = decode(path.read_bytes()).imports[0]
    with keeping(path, 9000.0) as keeper:
        end = driven.ended
        later = Ended(REF, instant(9000.0), end.progress, end.outcome, end.message)
        keeper.keep([later], None, instant(9000.0))
        keeper.finish([later])
    after = decode(path.read_bytes()).imports[0]
    assert (after.began, after.last, after.polls, after.end) == (
        before.began,
        before.last,
        before.polls,
        before.end,
    )


def test_a_damaged_file_is_set_aside_with_a_warning(tmp_path: Path) -> None:
    """The wait begins anew, and what was there is beside it."""
    path = tmp_path / "state"
    path.write_bytes(b'{"program": "watcher", "version": 7}')
    with keeping(path, 5.0) as keeper:
        assert keeper.warning == (
            f"--state-file {path} is of version 7, which a later watcher wrote: "
            f"it is now {path}.aside-1, and the waits begin anew"
        )
        assert keeper.past.waits[REF].began == EPOCH + 5.0
    with keeping(path, 6.0) as keeper:
        assert keeper.warning is None
        assert keeper.past.waits[REF].began == EPOCH + 5.0


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="only Linux has such a clock")
def test_the_machine_s_start_is_known_where_the_system_tells_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its clock goes on with the wall clock; elsewhere only the wall clock is there."""
    boot_id = tmp_path / "boot_id"
    monkeypatch.setattr(module, "_BOOT_ID", boot_id)
    assert system_stamp().boot is None
    boot_id.write_text("1234\n")
    first, second = system_stamp(), system_stamp()
    assert (first.boot, second.uptime >= first.uptime) == ("1234", True)
    assert first.step_until(second) == pytest.approx(0.0, abs=0.5)


class _Full(StateFile):
    """A file on a disk that is full for a while."""

    room = True

    def write(self, content: bytes) -> None:
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write(content)


def test_a_full_disk_is_told_once_and_tried_again(tmp_path: Path) -> None:
    """The watch goes on; when there is room again, the next change is kept with all before it."""
    path, driven, complaints = tmp_path / "state", Driven(Policy()), list[str]()
    real = open_state_file(path)
    file = _Full(path, os.dup(real._lock))  # noqa: SLF001 (the same lock)
    real.close()
    keeper = Keeper(file, BASE, [REF], complaints.append, lambda: Stamp(EPOCH))
    file.room = False
    for at, status in ((1.0, "preparing"), (2.0, "ready")):
        keeper.keep(driven.receive(seen(status), at=at).events, None, instant(at))
    (complaint,) = complaints
    assert "No space left on device; the watch goes on" in complaint
    file.room = True
    keeper.keep(driven.receive(seen("in_progress"), at=3.0).events, None, instant(3.0))
    keeper.close()
    assert len(decode(path.read_bytes()).imports[0].transitions) == 3


def test_a_disk_that_is_full_at_the_start_is_refused(tmp_path: Path) -> None:
    """Who cannot keep anything is told before anything is asked."""
    path = tmp_path / "state"
    real = open_state_file(path)
    file = _Full(path, os.dup(real._lock))  # noqa: SLF001 (the same lock)
    real.close()
    file.room = False
    with pytest.raises(UsageError, match="cannot be written: No space left"):
        Keeper(file, BASE, [REF], list[str]().append)
    file.close()
