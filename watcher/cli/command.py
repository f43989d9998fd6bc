"""``-- COMMAND``: what runs in watcher's place after a success."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from watcher.core.errors import CommandError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CANNOT_RUN = 126
NOT_FOUND = 127
"""What a shell gives for a command that it cannot run or find (POSIX, Shell Command Language, 2.8.2)."""

_SHELL = "/bin/sh"
_FIRST_BYTES = 256  # a program for another machine has a NUL among them
_LONGEST_VARIABLE = 100_000  # Linux takes 128 KiB for one string (execve(2)), name included


def find_command(command: Sequence[str]) -> str:
    """Finds the program of a command as a shell would.

    Args:
        command: The program and its arguments.

    Returns:
        The program's path.

    Raises:
        UsageError: There is none.
        CommandError: It is not found, or cannot be run.
    """
    if not command or not command[0]:
        raise UsageError("no command follows --; write for example -- ./deploy.sh --now, or leave -- out")
    import shutil  # noqa: PLC0415 (slow, and most runs have no command)

    name = command[0]
    found = shutil.which(name)
    if found is not None:
        return found
    candidates = [Path(name)] if "/" in name else [Path(folder, name) for folder in os.get_exec_path()]
    if any(candidate.exists() for candidate in candidates):
        raise CommandError(f"the command '{name}' cannot be run: it is not an executable file", CANNOT_RUN)
    raise CommandError(
        f"the command '{name}' is not found; write for example -- ./deploy.sh --now", NOT_FOUND
    )


def replace_process(program: str, command: Sequence[str], variables: Mapping[str, str]) -> NoReturn:
    """Becomes the command, so that its exit code and its signals are its own.

    A script without a first line that names its interpreter is the shell's, as for ``execvp`` (POSIX).

    Args:
        program: The program's path.
        command: The program's name and its arguments.
        variables: What it gets besides watcher's own environment.

    Raises:
        CommandError: The system refuses to run it.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as somebody before us wanted it
            signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores
        signal.signal(number, signal.SIG_DFL)
    inherited = {name: value for name, value in os.environ.items() if name not in variables}
    bearable = {name: value for name, value in variables.items() if len(value.encode()) < _LONGEST_VARIABLE}
    try:
        _execute(program, command, inherited | bearable)
    except OSError as error:
        raise CommandError(
            f"the command '{command[0]}' cannot be run: {error.strerror}; the watch has ended well, so mend "
            "the command and run it by itself",
            CANNOT_RUN,
        ) from None


def _execute(program: str, command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    try:
        os.execve(program, list(command), environment)  # noqa: S606 (without a shell, as meant)
    except OSError as error:
        if error.errno != errno.ENOEXEC or not _is_text(program):
            raise
    os.execve(_SHELL, [_SHELL, program, *command[1:]], environment)  # noqa: S606 (likewise)


def _is_text(program: str) -> bool:
    with Path(program).open("rb") as file:
        return b"\0" not in file.read(_FIRST_BYTES)
