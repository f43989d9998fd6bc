"""The decision whether a file on disk can be trusted."""

from __future__ import annotations

import pwd
import stat
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import stat_result


class Problem(Enum):
    """Why a file is not trusted; each value completes the sentence "PATH …"."""

    LINK = "is a symbolic link"
    NOT_REGULAR = "is not a regular file"
    OTHER_OWNER = "belongs to another user"
    HARD_LINKS = "has more than one hard link"
    OTHERS_WRITE = "can be written by other users"


REMEDIABLE = frozenset({Problem.HARD_LINKS, Problem.OTHERS_WRITE})
"""Problems of a file that is the user's own, and can therefore be moved out of the way."""


def problem_with(status: stat_result, euid: int) -> Problem | None:
    """Return the first reason not to trust a file.

    A file is trusted if it is a regular file with one link that only its owner and its group can write.
    Root trusts only its own files, too. Group write access is accepted because Kubernetes' ``fsGroup``
    sets it.

    Args:
        status: The result of ``lstat`` or ``fstat``.
        euid: The effective user ID of this process.

    Returns:
        The problem; None for a file that can be trusted.
    """
    if stat.S_ISLNK(status.st_mode):
        return Problem.LINK
    if not stat.S_ISREG(status.st_mode):
        return Problem.NOT_REGULAR
    if status.st_uid != euid:
        return Problem.OTHER_OWNER
    if status.st_nlink > 1:
        return Problem.HARD_LINKS
    if status.st_mode & stat.S_IWOTH:
        return Problem.OTHERS_WRITE
    return None


def user_name(uid: int) -> str:
    """Return the name of a user, or the number of a user without a name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
