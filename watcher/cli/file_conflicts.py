"""Check that no report overwrites a file that another option reads or writes."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from watcher.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watcher.cli.settings import Settings


_VARIABLES = ("SSL_CERT_FILE", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
"""Environment variables that name files which no option may overwrite."""


def check_distinct_files(settings: Settings, program: str = "") -> None:
    """Refuse settings that name one file for two purposes; ``program`` is the command that may run later.

    Raises:
        UsageError: They do, or the working directory was deleted.
    """
    try:
        files = list(_files(settings, program))
    except FileNotFoundError:
        raise UsageError("the working directory was deleted. Change to an existing directory.") from None
    for (option, file, is_written), (other, same, _) in combinations(files, 2):
        if file == same and is_written:
            raise UsageError(_refusal(option, other))


def without_shared_files(settings: Settings, program: str = "") -> Settings:
    """Return settings without reports that would overwrite a file of another option, for a run that fails."""
    try:
        check_distinct_files(settings, program)
    except UsageError:
        return replace(settings, status_file=None, dotenv=None, termination_log=None)
    return settings


def _files(settings: Settings, program: str) -> Iterator[tuple[str, str | tuple[int, int], bool]]:
    """Yield the option and the identity of each file, and whether it is written; these come first."""
    if settings.state_file is not None:
        state = _real_path(settings.state_file)
        names = (state, f"{state}.new", f"{state}.lock")
        yield from (("--state-file", _identity(Path(name)), True) for name in names)
    reports = {
        "--status-file": settings.status_file,
        "--dotenv": settings.dotenv,
        "--termination-log": settings.termination_log,
    }
    inputs = {"--token-file": settings.token_file, "--ca-file": settings.ca_file}
    lists = {target: Path(target[1:]) for target in settings.targets if target.startswith("@")}
    others = {name: Path(os.environ[name]) for name in _VARIABLES if os.environ.get(name)}
    if program:
        others["the command"] = Path(program)
    for option, path in (reports | inputs | lists | others).items():
        if path is not None and not _is_no_regular_file(path):
            yield option, _identity(path), option in reports


def _identity(path: Path) -> str | tuple[int, int]:
    """Return what two names of one file share, also if they are hard links; without a file, its path."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return _real_path(path)
    return status.st_dev, status.st_ino


def _real_path(path: Path) -> str:
    try:
        return os.path.realpath(path)
    except PermissionError:  # a link of another user, such as one to /proc/1/root
        return os.path.abspath(path)  # noqa: PTH100 (as above)


def _is_no_regular_file(path: Path) -> bool:
    """Return whether a path leads to a device or a pipe, which cannot be overwritten."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:  # it does not exist yet, or cannot be examined
        return False


def _refusal(option: str, other: str) -> str:
    if option == "--state-file":
        files = "the files that --state-file uses (PATH, PATH.new, PATH.lock)"
        return f"{other} names one of {files}. Name another file."
    target = other if other == "the command" else f"the file that {other} names"
    return f"{option} would overwrite {target}. Name another file."
