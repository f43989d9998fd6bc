"""What a run gets from earlier runs, and what it saves for later ones."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.driving import EPOCH, MISSING, REF, Driven, seen
from watcher.core.answers.rate_limits import Hold
from watcher.core.errors import BusyError, UsageError
from watcher.core.events import Ended
from watcher.core.model import ImportRef, Instant
from watcher.core.policy import Policy
from watcher.state.disk import StateFile, open_state_file
from watcher.state.document import decode
from watcher.state.places import open_directory
from watcher.state.store import UNUSED_LIMIT, StateStore, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

BASE = "https://app.launchdarkly.com"
EU = "https://app.eu.launchdarkly.com"
OTHER = ImportRef("default", "production", "big-spenders", "other")


@contextmanager
def opened(
    path: Path,
    at: float = 0.0,
    *,
    refs: Sequence[ImportRef] = (REF,),
    base_uri: str = BASE,
    warn: Callable[[str], None] = pytest.fail,
) -> Iterator[StateStore]:
    """Open the store of a run that begins some seconds after ``EPOCH``."""
    with open_state_file(path, warn) as file:
        yield StateStore(file, base_uri, refs, warn, lambda: EPOCH + at)


def instant(at: float) -> Instant:
    """Return a moment of a run that began at ``EPOCH``."""
    return Instant(at, EPOCH + at)


class _Disk(StateFile):
    """A file on a disk that can be full, and that counts the writes."""

    full = False
    writes = 0

    def write(self, content: bytes) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.writes += 1
        super().write(content)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[Path], _Disk]]:
    """Return a function that makes such a file in the directory of the test."""
    with open_directory(tmp_path) as directory:
        yield lambda path: _Disk(path, directory)


def test_the_second_run_continues_the_first_runs_wait(tmp_path: Path) -> None:
    """The beginning of the wait is saved before anything is requested, and never changes."""
    path = tmp_path / "state"
    for at in (0.0, 60.0, 120.0):
        with opened(path, at) as store:
            assert store.saved.waits[REF].began == EPOCH
            assert decode(path.read_bytes()).imports[0].used_at == EPOCH + at


def test_changes_are_saved_as_they_happen(tmp_path: Path) -> None:
    """After a kill, the next run knows everything that was reported."""
    path, driven = tmp_path / "state", Driven(Policy())
    with opened(path) as store:
        for at, status in ((1.0, "preparing"), (2.0, "ready"), (9.0, "ready")):
            step = driven.receive(seen(status), at=at)
            store.save(step.events, None, instant(at))
    with opened(path, 60.0) as store:
        wait = store.saved.waits[REF]
        assert [transition.to for transition in wait.transitions] == ["preparing", "ready"]
        assert (wait.began, wait.since, wait.polls) == (EPOCH, EPOCH + 2.0, 2)


def test_a_hold_is_saved_without_an_event(tmp_path: Path) -> None:
    """An answer that changes no status can use up the rate limit; each base URI has a hold of its own."""
    path = tmp_path / "state"
    with opened(path) as store:
        store.save([], Hold(40.0, 44.0, named=True), instant(1.0))
    with opened(path, 10.0) as store:
        assert store.saved.hold is not None
        assert store.saved.hold.until == pytest.approx(EPOCH + 40.0)
    with opened(path, 10.0, base_uri=EU) as store:
        assert store.saved.hold is None
    with opened(path, 10.0) as store:
        assert store.saved.hold is not None
    with opened(path, 44.0) as store:
        assert store.saved.hold is None
    assert decode(path.read_bytes()).holds == {}


def test_one_save_is_one_write(tmp_path: Path, disk: Callable[[Path], _Disk]) -> None:
    """Many events and a hold are written together, and a save without a change writes nothing."""
    file, driven = disk(tmp_path / "state"), Driven(Policy())
    store = StateStore(file, BASE, [REF], pytest.fail, lambda: EPOCH)
    events = [
        *driven.receive(seen("preparing"), at=1.0).events,
        *driven.receive(seen("ready"), at=2.0).events,
    ]
    hold = Hold(40.0, 44.0, named=True)
    before = file.writes
    store.save(events, hold, instant(2.0))
    assert file.writes == before + 1
    store.save(driven.receive(seen("ready"), at=3.0).events, hold, instant(3.0))
    store.save([], hold, instant(4.0))
    assert file.writes == before + 1
    store.save([], None, instant(5.0))
    assert file.writes == before + 2


def test_entries_of_other_commands_are_kept(tmp_path: Path) -> None:
    """The same keys at another base URI, and other imports at the same one, have waits of their own."""
    path = tmp_path / "state"
    with opened(path):
        pass
    with opened(path, 10.0, refs=[OTHER]) as store:
        assert store.saved.waits[OTHER].began == EPOCH + 10.0
    with opened(path, 20.0, base_uri=EU, refs=[OTHER, REF]) as store:
        assert store.saved.waits[REF].began == EPOCH + 20.0
    with opened(path, 30.0, refs=[REF, OTHER]) as store:
        assert [wait.began - EPOCH for wait in store.saved.waits.values()] == [0.0, 10.0]
    assert len(decode(path.read_bytes()).imports) == 4


def test_unused_entries_are_dropped(tmp_path: Path) -> None:
    """After 30 days without a run a wait starts anew, and so do those of other commands."""
    path = tmp_path / "state"
    with opened(path, refs=[REF, OTHER]):
        pass
    with opened(path, UNUSED_LIMIT - 1):
        pass
    late = UNUSED_LIMIT + 1
    with opened(path, late) as store:
        assert store.saved.waits[REF].began == EPOCH
    assert [entry.ref for entry in decode(path.read_bytes()).imports] == [REF]
    with opened(path, 2 * late + UNUSED_LIMIT) as store:
        assert store.saved.waits[REF].began == EPOCH + 2 * late + UNUSED_LIMIT


def test_an_entry_from_the_future_is_dropped_30_days_from_now(tmp_path: Path) -> None:
    """A wall clock that was wrong once keeps no entry forever; the wait counts from the first right time."""
    path = tmp_path / "state"
    with opened(path, 1e9, refs=[REF, OTHER]):
        pass
    with opened(path) as store:
        assert store.saved.waits[REF].began == EPOCH
    with opened(path, 60.0) as store:
        assert store.saved.waits[REF].began == EPOCH
    with opened(path, UNUSED_LIMIT + 30.0):
        assert [entry.ref for entry in decode(path.read_bytes()).imports] == [REF]


def test_an_outcome_is_new_once(tmp_path: Path) -> None:
    """A look is reported if outcome or status differ from the last look whose outcome was recorded."""
    path = tmp_path / "state"

    def look(at: float, status: str, *, reported: bool = True) -> bool:
        with opened(path, at) as store:
            driven = Driven(Policy(once=True, remembered=True))
            driven.receive(seen(status) if status else MISSING)
            store.save(driven.events, None, instant(at))
            has_changed = store.has_changed(driven.ended)
            if reported:
                store.record_outcomes([driven.ended])
                assert not store.has_changed(driven.ended)
            return has_changed

    assert look(0.0, "")
    assert not look(10.0, "")
    assert look(20.0, "ready", reported=False)
    assert look(30.0, "ready")
    assert not look(40.0, "ready")
    assert look(50.0, "in_progress")


def test_a_final_wait_does_not_change(tmp_path: Path) -> None:
    """A later run that reports a final import again changes neither its times nor its counters."""
    path, driven = tmp_path / "state", Driven(Policy())
    with opened(path) as store:
        store.save(driven.receive(seen("complete"), at=42.0).events, None, instant(42.0))
        store.record_outcomes([driven.ended])
        before = decode(path.read_bytes()).imports[0]
    with opened(path, 9000.0) as store:
        end = driven.ended
        later = Ended(REF, instant(9000.0), end.progress, end.outcome, end.message)
        store.save([later], None, instant(9000.0))
        store.record_outcomes([later])
    after = decode(path.read_bytes()).imports[0]
    assert (after.wait, after.reported) == (before.wait, before.reported)


def test_an_unusable_file_is_set_aside_with_a_warning(tmp_path: Path) -> None:
    """The wait starts anew, and the old content is kept beside the file."""
    path, warnings = tmp_path / "state", list[str]()
    content = b'{"program": "watcher", "version": 7}'
    path.write_bytes(content)
    with opened(path, 5.0, warn=warnings.append) as store:
        (aside,) = tmp_path.glob("state.2*")
        assert aside.read_bytes() == content
        (warning,) = warnings
        assert warning == (
            f"--state-file: {path} was written by a later version of watcher; it is now {aside}. "
            "All waits start over."
        )
        assert store.saved.waits[REF].began == EPOCH + 5.0
    with opened(path, 6.0) as store:
        assert store.saved.waits[REF].began == EPOCH + 5.0


def test_a_forged_file_that_others_can_write_is_set_aside(tmp_path: Path) -> None:
    """A file that says complete does not count if another user could have written it."""
    path, driven, warnings = tmp_path / "state", Driven(Policy()), list[str]()
    with opened(path) as store:
        store.save(driven.receive(seen("complete"), at=1.0).events, None, instant(1.0))
    path.chmod(0o666)
    with opened(path, 5.0, warn=warnings.append) as store:
        assert store.saved.waits[REF].last is None
    assert "can be written by other users" in warnings[0]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_full_disk_is_reported_once_and_tried_again(tmp_path: Path, disk: Callable[[Path], _Disk]) -> None:
    """The watch goes on; once there is space, the next change is written with all earlier ones."""
    path, driven, warnings = tmp_path / "state", Driven(Policy()), list[str]()
    file = disk(path)
    store = StateStore(file, BASE, [REF], warnings.append, lambda: EPOCH)
    file.full = True
    for at, status in ((1.0, "preparing"), (2.0, "ready")):
        store.save(driven.receive(seen(status), at=at).events, None, instant(at))
    (warning,) = warnings
    assert "could not be written: no space left on device. The watch continues" in warning
    file.full = False
    store.save(driven.receive(seen("in_progress"), at=3.0).events, None, instant(3.0))
    assert len(decode(path.read_bytes()).imports[0].wait.transitions) == 3


def test_a_disk_that_is_full_at_the_start_is_refused(tmp_path: Path, disk: Callable[[Path], _Disk]) -> None:
    """A run that can save nothing ends before its first request."""
    file = disk(tmp_path / "state")
    file.full = True
    with pytest.raises(UsageError, match="cannot be written: no space left"):
        StateStore(file, BASE, [REF], pytest.fail)


def test_a_store_that_fails_to_open_releases_the_lock(tmp_path: Path) -> None:
    """After an error, and after closing, another run in the same process can use the file."""
    path = tmp_path / "state"
    path.write_bytes(b"x")
    path.chmod(0o666)

    def fail(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), open_store(path, BASE, [REF], fail):
        pass
    with open_store(path, BASE, [REF], pytest.fail), pytest.raises(BusyError), opened(path):
        pass
    with open_store(path, BASE, [REF], pytest.fail):
        pass
