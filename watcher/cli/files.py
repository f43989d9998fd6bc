"""No file may serve two purposes: a report must not overwrite what another option reads or writes."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import replace
from itertools import combinations, product
from typing import TYPE_CHECKING

from watcher.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from watcher.cli.settings import Settings

_REPORTS = ("status_file", "dotenv", "termination_log")
_READ = ("token_file", "ca_file")


def check_distinct_files(settings: Settings) -> None:
    """Refuse settings that name one file for two purposes.

    Raises:
        UsageError: They do, or the working directory was deleted.
    """
    try:
        written, read = list(_written(settings)), list(_read(settings))
    except FileNotFoundError:
        raise UsageError("the working directory was deleted. Change to an existing directory.") from None
    for (option, path), (other, same) in (*combinations(written, 2), *product(written, read)):
        if path == same and option != other:
            raise UsageError(_refusal(option, other))


def without_shared_files(settings: Settings) -> Settings:
    """Drop the reports that would overwrite a file of another option, for a run that fails because of it."""
    try:
        check_distinct_files(settings)
    except UsageError:
        return replace(settings, status_file=None, dotenv=None, termination_log=None)
    return settings


def _written(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.state_file is not None:
        state = os.path.realpath(settings.state_file)
        yield from (("--state-file", name) for name in (state, f"{state}.new", f"{state}.lock"))
    yield from _named(settings, _REPORTS)


def _read(settings: Settings) -> Iterator[tuple[str, str]]:
    yield from _named(settings, _READ)
    for target in settings.targets:
        if target.startswith("@") and (path := _real_path(target[1:])) is not None:
            yield target, path


def _named(settings: Settings, fields: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for field in fields:
        path: Path | None = getattr(settings, field)
        if path is not None and (real := _real_path(path)) is not None:
            yield f"--{field.replace('_', '-')}", real


def _real_path(path: Path | str) -> str | None:
    """Return the path of the file itself; None for a device or a pipe, which is not overwritten."""
    with suppress(OSError):  # it does not exist yet, or cannot be examined
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 (a string will do)
            return None
    return os.path.realpath(path)


def _refusal(option: str, other: str) -> str:
    if option == "--state-file":
        files = "the files that --state-file uses (PATH, PATH.new, PATH.lock)"
        return f"{other} names one of {files}. Name another file."
    return f"{option} would overwrite the file that {other} names. Name another file."
