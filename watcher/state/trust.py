"""The decision whether a file on disk can be trusted."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

from watcher.core.errors import UsageError


def reason_to_set_aside(path: Path, status: os.stat_result) -> str | None:
    """Return why a file must be set aside, such as "has more than one hard link"; None to trust it.

    A file is trusted if it is a regular file with one link that only its owner and its group can write.
    Kubernetes' ``fsGroup`` sets group write access. This also applies to root. ``path`` is for messages.

    Raises:
        UsageError: The file is not a regular file, or belongs to another user.
    """
    mode = status.st_mode
    if not stat.S_ISREG(mode):
        kind = "a symbolic link" if stat.S_ISLNK(mode) else "not a regular file"
        raise UsageError(f"--state-file: {path} is {kind}. Name a regular file.")
    if status.st_uid != os.geteuid():
        raise UsageError(
            f"--state-file: {path} belongs to the user {_user_name(status.st_uid)}. Name a file of your own."
        )
    if status.st_nlink > 1:
        return "has more than one hard link"
    return "can be written by other users" if mode & stat.S_IWOTH else None


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
