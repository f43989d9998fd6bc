"""No file may serve two purposes: what one option reads, another would overwrite."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from itertools import combinations, product
from typing import TYPE_CHECKING

from watcher.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from watcher.cli.settings import Options


def check_distinct_files(options: Options) -> None:
    """Refuses options that name one file for two purposes.

    Args:
        options: The options as they were given.

    Raises:
        UsageError: Two of them name the same file, or one that belongs to the state file.
    """
    try:
        written, read = list(_written(options)), list(_read(options))
    except FileNotFoundError:
        raise UsageError(
            "the working directory was deleted, so relative paths lead nowhere; change to one that exists"
        ) from None
    for (option, path), (other, same) in (*combinations(written, 2), *product(written, read)):
        if path == same and option != other:
            raise UsageError(_refusal(option, other))


def _written(options: Options) -> Iterator[tuple[str, str]]:
    if options.state_file is not None:
        state = os.path.realpath(options.state_file)
        yield from (("--state-file", name) for name in (state, f"{state}.new", f"{state}.lock"))
    yield from _named(
        {
            "--status-file": options.status_file,
            "--dotenv": options.dotenv,
            "--termination-log": options.termination_log,
        }
    )


def _read(options: Options) -> Iterator[tuple[str, str]]:
    yield from _named({"--token-file": options.token_file, "--ca-file": options.ca_file})
    for target in options.targets:
        if target.startswith("@"):
            yield from _named({target: target[1:]})


def _named(paths: Mapping[str, Path | str | None]) -> Iterator[tuple[str, str]]:
    for option, path in paths.items():
        if path is not None and (real := _real(path)) is not None:
            yield option, real


def _real(path: Path | str) -> str | None:
    """Finds the file itself; none where it is a device or a pipe, of which nothing is overwritten."""
    with suppress(OSError):  # it is not there yet, or cannot be looked at
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 (a string will do)
            return None
    return os.path.realpath(path)


def _refusal(option: str, other: str) -> str:
    if option == "--state-file":
        return (
            f"{other} names --state-file or a file beside it that belongs to it (.new, .lock); give "
            "--state-file one of its own"
        )
    return f"{option} would overwrite the file that {other} names; give each one of its own"
