"""The state file on disk: who may use it, and what is there at any instant."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import pytest

from watcher.core.errors import BusyError, UsageError
from watcher.state import disk
from watcher.state.disk import StateFile, open_state_file
from watcher.state.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def opened(path: Path) -> Iterator[StateFile]:
    """The file, locked for a while."""
    file = open_state_file(path)
    try:
        yield file
    finally:
        file.close()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """The content is replaced as a whole, and nothing but the file and its lock is left."""
    with opened(tmp_path / "state") as file:
        assert file.read() is None
        file.write(b"one")
        file.write(b"2")
        assert file.read() == b"2"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state", "state.lock"]


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_nobody_else_may_read_it(tmp_path: Path, umask: int) -> None:
    """The mode is 0600 whatever the umask, and a wider one that was there does not stay."""
    path = tmp_path / "state"
    path.touch(0o666)
    before = os.umask(umask)
    try:
        with opened(path) as file:
            file.write(b"{}")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state.lock").stat().st_mode) & 0o077 == 0


def test_a_second_run_gives_way(tmp_path: Path) -> None:
    """While one has the lock another is told so; afterwards the file is free, and the lock file stays."""
    path = tmp_path / "state"
    with opened(path), pytest.raises(BusyError, match="another run is using --state-file"):
        open_state_file(path)
    with opened(path):
        assert (tmp_path / "state.lock").exists()


@pytest.mark.parametrize("name", ["state", "state.lock"])
@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_is_refused(tmp_path: Path, name: str, *, dangling: bool) -> None:
    """Neither the file nor its lock is followed anywhere, and what the link points at stays as it is."""
    target = tmp_path / "precious"
    if not dangling:
        target.write_text("precious")
    (tmp_path / name).symlink_to(target)
    with pytest.raises(UsageError, match="symbolic link"):
        open_state_file(tmp_path / "state")
    assert target.exists() is not dangling
    assert dangling or target.read_text() == "precious"


def test_a_link_that_comes_late_is_not_followed(tmp_path: Path) -> None:
    """One that is planted after the file was opened is refused by a read, and replaced by a write."""
    path, target = tmp_path / "state", tmp_path / "precious"
    target.write_text("precious")
    with opened(path) as file:
        path.symlink_to(target)
        (tmp_path / "state.new").symlink_to(target)
        with pytest.raises(UsageError, match="symbolic link"):
            file.read()
        file.write(b"mine")
        assert file.read() == b"mine"
    assert target.read_text() == "precious"


@pytest.mark.parametrize("name", ["state", "state.lock"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    """A folder, and a pipe that nobody writes to, are told at once."""
    (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match=f"{name} (is no regular file|cannot be used: Is a directory)"):
        open_state_file(tmp_path / "state")
    (tmp_path / name).rmdir()
    os.mkfifo(tmp_path / name)
    with pytest.raises(UsageError, match=f"{name} is no regular file"):
        open_state_file(tmp_path / "state")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Nor is one made: who misspells a path should hear of it."""
    with pytest.raises(UsageError, match="missing does not exist; create it, or name a file elsewhere"):
        open_state_file(tmp_path / "missing" / "state")


def test_a_damaged_file_is_set_aside_under_a_free_name(tmp_path: Path) -> None:
    """No earlier one is overwritten, and the content is still there."""
    path = tmp_path / "state"
    (tmp_path / "state.aside-1").write_text("earlier")
    (tmp_path / "state.aside-2").symlink_to("nowhere")
    with opened(path) as file:
        for number in (3, 4):
            path.write_text(f"damaged {number}")
            assert file.set_aside() == tmp_path / f"state.aside-{number}"
            assert not path.exists()
    assert (tmp_path / "state.aside-1").read_text() == "earlier"
    assert (tmp_path / "state.aside-3").read_text() == "damaged 3"


def test_a_failed_write_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk is full, what was there before stays, and no rest takes up room."""

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with opened(tmp_path / "state") as file:
        file.write(b"old")
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            file.write(b"new")
        assert file.read() == b"old"
    assert not (tmp_path / "state.new").exists()


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EIO])
def test_a_folder_that_cannot_be_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """A file system that syncs no folders is used all the same; a disk that fails is told."""
    sync = os.fsync

    def sync_files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", sync_files_only)
    with opened(tmp_path / "state") as file:
        with nullcontext() if number == errno.EINVAL else pytest.raises(OSError, match="Input/output"):
            file.write(b"new")
        assert file.read() == b"new"


def test_a_size_without_end_is_neither_read_nor_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a run writes, the next one reads."""
    monkeypatch.setattr(disk, "SIZE_LIMIT", 1 << 20)
    path = tmp_path / "state"
    with opened(path) as file:
        file.write(b"x" * (1 << 20))
        assert len(file.read() or b"") == 1 << 20
        with pytest.raises(OSError, match="File too large"):
            file.write(b"x" * ((1 << 20) + 1))
        path.write_bytes(b"x" * ((1 << 20) + 1))
        with pytest.raises(DamagedError, match="larger than 1 MiB"):
            file.read()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_another_user_s_file_is_not_trusted(tmp_path: Path) -> None:
    """Whoever may write into the folder could plant a file that says complete."""
    path = tmp_path / "state"
    path.write_bytes(b"{}")
    os.chown(path, 12345, -1)
    with opened(path) as file, pytest.raises(DamagedError, match="belongs to another user"):
        file.read()
