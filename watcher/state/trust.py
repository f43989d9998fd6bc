"""Decide which files can be trusted: the state file, its lock file, and the links and files of reports.

This also applies to root. Token files and lists of targets are exempt, because Kubernetes mounts secrets as
symbolic links that belong to root.
"""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

from watcher.core.errors import UsageError

_ROOT = 0


def reason_to_set_aside(path: Path, status: os.stat_result) -> str | None:
    """Return why a file must be set aside, such as "has more than one hard link"; None to trust it.

    A file is trusted if it is a regular file with one link that only its owner and its group can write.
    Kubernetes' ``fsGroup`` sets group write access. ``path`` is for messages.

    Raises:
        UsageError: The file is not a regular file, or belongs to another user.
    """
    mode = status.st_mode
    if not stat.S_ISREG(mode):
        kind = "a symbolic link" if stat.S_ISLNK(mode) else "not a regular file"
        raise UsageError(f"--state-file: {path} is {kind}. Name a regular file.")
    check_owner(path, status)
    if status.st_nlink > 1:
        return "has more than one hard link"
    return "can be written by other users" if mode & stat.S_IWOTH else None


def check_owner(path: Path, status: os.stat_result) -> None:
    """Refuse a file of another user, who is named.

    Raises:
        UsageError: The file belongs to another user.
    """
    if status.st_uid != os.geteuid():
        raise UsageError(
            f"--state-file: {path} belongs to the user {user_name(status.st_uid)}. Name a file of your own."
        )


def reason_not_to_follow(link: os.stat_result, directory: os.stat_result) -> str | None:
    """Return why a symbolic link on the way to a report must not be followed; None to follow it.

    Others may have created a link unless it belongs to the user, or only the user and the system can write to
    its directory. A group can write to some system directories, so the system's own links there are followed.
    """
    system = _system_users()
    if link.st_uid == os.geteuid():
        return None
    is_safe = directory.st_uid in system and not directory.st_mode & stat.S_IWOTH
    if is_safe and (link.st_uid in system or not directory.st_mode & stat.S_IWGRP):
        return None
    return f"is a symbolic link of the user {user_name(link.st_uid)} in a directory that others can write to"


def reason_not_to_write(file: os.stat_result, directory: os.stat_result) -> str | None:
    """Return why an existing file must not be written in place as a report; None to write it.

    If others can write to its directory, the name may be a hard link to another file. In a directory such as
    ``/tmp``, the file may belong to another user who reads or changes the report (like
    ``fs.protected_regular`` and ``fs.protected_fifos`` in Linux).
    """
    mode, system = directory.st_mode, _system_users()
    is_shared = mode & (stat.S_IWOTH | stat.S_IWGRP) or directory.st_uid not in system
    if is_shared and stat.S_ISREG(file.st_mode) and file.st_nlink > 1:
        return "has more than one hard link in a directory that others can write to"
    is_sticky = mode & stat.S_ISVTX and mode & stat.S_IWOTH
    is_file = stat.S_ISREG(file.st_mode) or stat.S_ISFIFO(file.st_mode)
    if is_sticky and is_file and file.st_uid not in system | {directory.st_uid}:
        return f"belongs to the user {user_name(file.st_uid)}"
    return None


def user_name(uid: int) -> str:
    """Return the name of a user, or the number if the user has no name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _system_users() -> set[int]:
    """Return the user, root, and the owner of ``/``: root has another number in some user namespaces."""
    return {os.geteuid(), _ROOT, Path("/").stat().st_uid}
