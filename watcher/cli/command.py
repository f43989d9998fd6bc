"""Run a command after a success, in place of this process."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from watcher.core.errors import CommandError, UsageError
from watcher.core.text import reason_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from watcher.cli.signals import Signals

CANNOT_RUN = 126
NOT_FOUND = 127
"""A shell's exit codes for a command that it cannot run or find (POSIX, Shell Command Language, 2.8.2)."""

_SHELL = "/bin/sh"
_HEAD_BYTES = 256  # a binary for another machine contains a NUL here
_VARIABLE_LIMIT = 100_000  # Linux allows 128 KiB for one string, name included (execve(2))


def find_command(command: Sequence[str]) -> str:
    """Return the path of a command's program, found as a shell would.

    Raises:
        UsageError: There is no command.
        CommandError: It is not found, or cannot be run.
    """
    if not command or not command[0]:
        raise UsageError("no command follows --. Write for example -- ./deploy.sh --now, or leave out --.")
    import shutil  # noqa: PLC0415 (slow, and most runs have no command)

    name = command[0]
    found = shutil.which(name)
    if found is not None:
        return found
    candidates = [Path(name)] if "/" in name else [Path(folder, name) for folder in os.get_exec_path()]
    if any(candidate.exists() for candidate in candidates):
        raise CommandError(
            f"command '{name}' cannot be run: it is not an executable file. Check its mode.", CANNOT_RUN
        )
    raise CommandError(f"command '{name}' not found. Check its spelling and PATH.", NOT_FOUND)


def short_enough(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that are short enough for the system."""
    return {name: value for name, value in variables.items() if len(value.encode()) < _VARIABLE_LIMIT}


def replace_process(
    program: str, command: Sequence[str], variables: Mapping[str, str], signals: Signals
) -> NoReturn:
    """Become the command, so that its exit code and its signals are its own.

    The command inherits the environment, and ``variables`` in addition. The shell runs a script without a
    ``#!`` line, as ``execvp`` does (POSIX).

    Raises:
        CommandError: The system refuses to run it.
    """
    signals.uninstall()
    inherited = {name: value for name, value in os.environ.items() if name not in variables}
    try:
        _execute(program, command, inherited | dict(variables))
    except OSError as error:
        raise CommandError(
            f"command '{command[0]}' cannot be run: {reason_of(error)}. The imports succeeded: fix the "
            "command and run it without watcher.",
            CANNOT_RUN,
        ) from None


def _execute(program: str, command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    try:
        os.execve(program, list(command), environment)  # noqa: S606 (no shell, on purpose)
    except OSError as error:
        if error.errno != errno.ENOEXEC or not _is_text(program):
            raise
    os.execve(_SHELL, [_SHELL, program, *command[1:]], environment)  # noqa: S606 (likewise)


def _is_text(program: str) -> bool:
    with Path(program).open("rb") as file:
        return b"\0" not in file.read(_HEAD_BYTES)
