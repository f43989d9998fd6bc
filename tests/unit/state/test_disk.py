"""The state file on disk: who may use it, and what it contains at any moment."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

import pytest

from watcher.core.errors import BusyError, UsageError
from watcher.state import disk
from watcher.state.disk import UnusableError, open_state_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OTHER_USER = 54321

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def lock(path: Path) -> None:
    """Lock the file and release it at once."""
    with open_state_file(path, pytest.fail):
        pass


def names(directory: Path) -> list[str]:
    """Return the names of all files, without the digits of times."""
    return sorted(
        "".join("#" if character.isdigit() else character for character in file.name)
        for file in directory.iterdir()
    )


def test_the_content_is_replaced(tmp_path: Path) -> None:
    """A read returns what was written last, and only the file and its lock file exist."""
    with open_state_file(tmp_path / "state", pytest.fail) as file:
        assert file.read() is None
        file.write(b"one")
        file.write(b"2")
        assert file.read() == b"2"
    assert names(tmp_path) == ["state", "state.lock"]


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_the_mode_is_0600(tmp_path: Path, umask: int) -> None:
    """Whatever the umask and the mode of an earlier file, only the user can read the state file."""
    path = tmp_path / "state"
    path.touch(0o664)
    before = os.umask(umask)
    try:
        with open_state_file(path, pytest.fail) as file:
            file.write(b"{}")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state.lock").stat().st_mode) & 0o077 == 0


def test_a_second_run_is_refused(tmp_path: Path) -> None:
    """While one run holds the lock, another gets a BusyError; afterwards it can lock the file."""
    path = tmp_path / "state"
    with open_state_file(path, pytest.fail), pytest.raises(BusyError, match="another run is using --state"):
        lock(path)
    lock(path)
    assert (tmp_path / "state.lock").exists()


@pytest.mark.parametrize("name", ["state", "state.lock"])
@pytest.mark.parametrize("dangling", [False, True])
def test_a_symbolic_link_is_refused(tmp_path: Path, name: str, *, dangling: bool) -> None:
    """A link is not followed, and its target does not change."""
    target = tmp_path / "precious"
    if not dangling:
        target.write_text("precious")
    (tmp_path / name).symlink_to(target)
    with pytest.raises(UsageError, match=f"{name} is a symbolic link"):
        lock(tmp_path / "state")
    assert target.exists() is not dangling
    assert dangling or target.read_text() == "precious"


def test_a_link_created_during_the_run_is_not_followed(tmp_path: Path) -> None:
    """A read refuses the link, and a write replaces it."""
    path, target = tmp_path / "state", tmp_path / "precious"
    target.write_text("precious")
    with open_state_file(path, pytest.fail) as file:
        path.symlink_to(target)
        (tmp_path / "state.new").symlink_to(target)
        with pytest.raises(UsageError, match="symbolic link"):
            file.read()
        file.write(b"mine")
        assert file.read() == b"mine"
    assert target.read_text() == "precious"


@pytest.mark.parametrize("name", ["state", "state.lock"])
def test_directories_and_pipes_are_refused(tmp_path: Path, name: str) -> None:
    """A path that is not a regular file is refused at once, even a pipe without a writer."""
    for create in (os.mkdir, os.mkfifo):
        create(tmp_path / name)
        with pytest.raises(UsageError, match=f"{name} is not a regular file"):
            lock(tmp_path / "state")
        (tmp_path / name).rename(tmp_path / create.__name__)


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    """No directory is created, because the path may be misspelt."""
    with pytest.raises(UsageError, match=r"missing does not exist\. Create it, or name another file"):
        lock(tmp_path / "missing" / "state")
    assert names(tmp_path) == []


@root_only
@pytest.mark.parametrize("name", ["state", "state.lock", "state.new"])
def test_another_users_file_is_refused(tmp_path: Path, name: str) -> None:
    """The message names the owner; root does not accept the file either, and it stays where it is."""
    (tmp_path / name).write_bytes(b"{}")
    os.chown(tmp_path / name, OTHER_USER, -1)
    with pytest.raises(UsageError, match=f"{name} belongs to the user {OTHER_USER}") as refusal:
        lock(tmp_path / "state")
    assert not isinstance(refusal.value, BusyError)
    assert (tmp_path / name).read_bytes() == b"{}"


@root_only
def test_another_users_lock_is_refused_before_it_is_tried(tmp_path: Path) -> None:
    """A lock that another user holds is not reported as another run."""
    with open_state_file(tmp_path / "state", pytest.fail):
        os.chown(tmp_path / "state.lock", OTHER_USER, -1)
        with pytest.raises(UsageError, match=f"belongs to the user {OTHER_USER}"):
            lock(tmp_path / "state")


def link_to(path: Path) -> None:
    """Add a hard link."""
    os.link(path, path.with_name("linked"))


def let_others_write(path: Path) -> None:
    """Let every user write."""
    path.chmod(0o666)


@pytest.mark.parametrize(
    ("spoil", "words"), [(link_to, "more than one hard link"), (let_others_write, "by other users")]
)
def test_a_file_that_others_could_have_changed_is_not_used(
    tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    """A file that another user can have linked or written is not read, but it is kept."""
    path = tmp_path / "state"
    path.write_bytes(b"forged")
    spoil(path)
    with open_state_file(path, pytest.fail) as file:
        with pytest.raises(UnusableError, match=words):
            file.read()
        assert file.set_aside().read_bytes() == b"forged"
        assert file.read() is None


@pytest.mark.parametrize("spoil", [link_to, let_others_write])
def test_a_lock_file_that_others_could_have_locked_is_set_aside(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    """A lock that another user may hold does not stop the run; the warning says what happened."""
    lock_file, warnings = tmp_path / "state.lock", list[str]()
    lock_file.touch(0o600)
    spoil(lock_file)
    with open_state_file(tmp_path / "state", warnings.append):
        assert stat.S_IMODE(lock_file.stat().st_mode) == 0o600
    (warning,) = warnings
    assert warning.startswith(f"--state-file: {lock_file} ")
    assert "state.lock.########T######.######Z" in names(tmp_path)


def test_group_write_access_is_accepted(tmp_path: Path) -> None:
    """Kubernetes lets a volume's group write every file in it."""
    for name in ("state", "state.lock"):
        (tmp_path / name).write_bytes(b"{}")
        (tmp_path / name).chmod(0o660)
    with open_state_file(tmp_path / "state", pytest.fail) as file:
        assert file.read() == b"{}"


def test_a_file_system_without_modes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If every user can write every file, each run would set its predecessor's file aside."""
    real_open = os.open

    def open_for_all(path: Path, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        descriptor = real_open(path, flags, mode, dir_fd=dir_fd)
        if flags & os.O_CREAT:
            os.fchmod(descriptor, 0o777)
        return descriptor

    monkeypatch.setattr(os, "open", open_for_all)
    with pytest.raises(UsageError, match=r"other users can write every file in .*another file system"):
        lock(tmp_path / "state")
    assert names(tmp_path) == []


def test_setting_aside_overwrites_nothing(tmp_path: Path) -> None:
    """Every file gets a name of its own, even within a moment."""
    path = tmp_path / "state"
    with open_state_file(path, pytest.fail) as file:
        for number in range(20):
            path.write_text(str(number))
            assert file.set_aside().read_text() == str(number)
            assert not path.exists()
    assert len(names(tmp_path)) == 21


def test_a_file_that_cannot_be_set_aside_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a file must not be used and cannot be moved, the run does not start."""

    def forbid(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    path = tmp_path / "state"
    path.write_bytes(b"forged")
    with open_state_file(path, pytest.fail) as file:
        monkeypatch.setattr(os, "replace", forbid)
        with pytest.raises(UsageError, match="cannot be set aside: permission denied"):
            file.set_aside()
    assert path.read_bytes() == b"forged"


def test_a_failed_write_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full, the old content stays and the unfinished file is removed."""

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with open_state_file(tmp_path / "state", pytest.fail) as file:
        file.write(b"old")
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            file.write(b"new")
        assert file.read() == b"old"
    assert not (tmp_path / "state.new").exists()


def test_a_file_beyond_the_size_limit_is_neither_read_nor_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later run can read everything that was written."""
    monkeypatch.setattr(disk, "SIZE_LIMIT", 1 << 20)
    path = tmp_path / "state"
    with open_state_file(path, pytest.fail) as file:
        file.write(b"x" * (1 << 20))
        assert len(file.read() or b"") == 1 << 20
        with pytest.raises(OSError, match="File too large"):
            file.write(b"x" * ((1 << 20) + 1))
        path.write_bytes(b"x" * ((1 << 20) + 1))
        with pytest.raises(UnusableError, match="larger than 1 MiB"):
            file.read()
