"""Which files are trusted."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from watcher.core.errors import UsageError
from watcher.state.trust import reason_to_set_aside

ME, ROOT, OTHER = 1000, 0, 4_000_000_000
PATH = Path("/var/lib/state")


def status(mode: int, *, uid: int = ME, links: int = 1) -> os.stat_result:
    """Return what ``lstat`` would return."""
    return os.stat_result((mode, 1, 1, links, uid, 1000, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("file", "euid", "problem"),
    [
        (status(stat.S_IFREG | 0o600), ME, None),
        (status(stat.S_IFREG | 0o664), ME, None),
        (status(stat.S_IFREG | 0o644, uid=ROOT), ROOT, None),
        (status(stat.S_IFREG | 0o602), ME, "can be written by other users"),
        (status(stat.S_IFREG | 0o666, uid=ROOT), ROOT, "can be written by other users"),
        (status(stat.S_IFREG | 0o600, links=2), ME, "has more than one hard link"),
    ],
)
def test_only_a_file_that_nobody_else_could_write_is_trusted(
    file: os.stat_result, euid: int, problem: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of the user's own that others can have linked or written must be set aside."""
    monkeypatch.setattr(os, "geteuid", lambda: euid)
    assert reason_to_set_aside(PATH, file) == problem


@pytest.mark.parametrize(
    ("file", "euid", "words"),
    [
        (status(stat.S_IFREG | 0o600, uid=OTHER), ME, "belongs to the user 4000000000. Name a file of"),
        (status(stat.S_IFREG | 0o600, uid=ROOT), ME, "belongs to the user root. Name a file of your own."),
        (status(stat.S_IFREG | 0o600, uid=OTHER), ROOT, "belongs to the user 4000000000"),
        (status(stat.S_IFREG | 0o666, uid=OTHER, links=2), ROOT, "belongs to the user 4000000000"),
        (status(stat.S_IFLNK | 0o777), ME, "is a symbolic link. Name a regular file."),
        (status(stat.S_IFLNK | 0o777, uid=OTHER), ME, "is a symbolic link"),
        (status(stat.S_IFDIR | 0o700), ME, "is not a regular file. Name a regular file."),
        (status(stat.S_IFIFO | 0o600), ME, "is not a regular file"),
        (status(stat.S_IFSOCK | 0o600), ME, "is not a regular file"),
        (status(stat.S_IFCHR | 0o600), ME, "is not a regular file"),
    ],
)
def test_other_files_are_refused(
    file: os.stat_result, euid: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Links, other kinds of files and those of other users stay; a user without a name is a number."""
    monkeypatch.setattr(os, "geteuid", lambda: euid)
    with pytest.raises(UsageError, match=re.escape(f"--state-file: {PATH} {words}")):
        reason_to_set_aside(PATH, file)
