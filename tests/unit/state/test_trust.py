"""Which files are trusted."""

from __future__ import annotations

import os
import stat

import pytest

from watcher.state.trust import Problem, problem_with, user_name

ME, ROOT, OTHER = 1000, 0, 1001


def status(mode: int, *, uid: int = ME, links: int = 1) -> os.stat_result:
    """Return what ``lstat`` would return."""
    return os.stat_result((mode, 1, 1, links, uid, 1000, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("file", "euid", "problem"),
    [
        (status(stat.S_IFREG | 0o600), ME, None),
        (status(stat.S_IFREG | 0o664), ME, None),
        (status(stat.S_IFREG | 0o644, uid=ROOT), ROOT, None),
        (status(stat.S_IFREG | 0o602), ME, Problem.OTHERS_WRITE),
        (status(stat.S_IFREG | 0o666, uid=ROOT), ROOT, Problem.OTHERS_WRITE),
        (status(stat.S_IFREG | 0o600, links=2), ME, Problem.HARD_LINKS),
        (status(stat.S_IFREG | 0o600, uid=OTHER), ME, Problem.OTHER_OWNER),
        (status(stat.S_IFREG | 0o600, uid=ROOT), ME, Problem.OTHER_OWNER),
        (status(stat.S_IFREG | 0o600), ROOT, Problem.OTHER_OWNER),
        (status(stat.S_IFREG | 0o666, uid=OTHER, links=2), ROOT, Problem.OTHER_OWNER),
        (status(stat.S_IFLNK | 0o777), ME, Problem.LINK),
        (status(stat.S_IFLNK | 0o777, uid=OTHER), ME, Problem.LINK),
        (status(stat.S_IFDIR | 0o700), ME, Problem.NOT_REGULAR),
        (status(stat.S_IFIFO | 0o600), ME, Problem.NOT_REGULAR),
        (status(stat.S_IFSOCK | 0o600), ME, Problem.NOT_REGULAR),
        (status(stat.S_IFCHR | 0o600), ME, Problem.NOT_REGULAR),
    ],
)
def test_only_a_file_that_nobody_else_could_write_is_trusted(
    file: os.stat_result, euid: int, problem: Problem | None
) -> None:
    """Links, other kinds of files, other owners, hard links and write access for others are problems."""
    assert problem_with(file, euid) is problem


def test_users_are_named() -> None:
    """A user without a name, as in many containers, is shown by number."""
    assert user_name(0) == "root"
    assert user_name(4_000_000_000) == "4000000000"
