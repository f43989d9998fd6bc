"""No file may serve two purposes: what one option reads, another would overwrite."""

from __future__ import annotations

import os
from itertools import combinations, product
from pathlib import Path
from typing import TYPE_CHECKING

from watcher.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watcher.settings import Options


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
        if path == same and option != other and not _is_device(Path(path)):
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
            yield target, os.path.realpath(target[1:])


def _named(paths: dict[str, Path | None]) -> Iterator[tuple[str, str]]:
    for option, path in paths.items():
        if path is not None:
            yield option, os.path.realpath(path)


def _is_device(path: Path) -> bool:
    """Tells of ``/dev/null`` and the like, of which nothing is overwritten."""
    return path.exists() and not path.is_file()


def _refusal(option: str, other: str) -> str:
    if option == "--state-file":
        return (
            f"{other} names --state-file or a file beside it that belongs to it (.new, .lock); give "
            "--state-file one of its own"
        )
    return f"{option} would overwrite the file that {other} names; give each one of its own"
