"""Common mistakes on the command line, each with a message of its own."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from watcher.api.targets import Target, parse_target, quoted, shown
from watcher.core.errors import UsageError

_SUBCOMMANDS = {
    "status": "use --once to look once",
    "get": "use --once to look once",
    "show": "use --once to look once",
    "check": "use --once to look once",
    "wait": "leave it out to wait for the import",
    "watch": "leave it out to wait for the import",
    "run": "leave it out to wait for the import",
    "help": "use --help",
    "version": "use --version",
    "demo": "use --demo",
    "simulator": "use python -m watcher.simulator",
}

_TOKEN_OPTIONS = {"--token", "--access-token", "--api-token", "--api-key", "--auth-token"}


def parse_positional(text: str, targets: Sequence[str]) -> Target:
    """Return the target that an argument names; ``targets`` are all such arguments.

    Raises:
        UsageError: It names none. It may be a subcommand, or a command without ``--`` before it.
    """
    position = targets.index(text)
    if position == 0 and text in _SUBCOMMANDS:
        raise UsageError(f"{text} is not a target, and there are no subcommands: {_SUBCOMMANDS[text]}.")
    try:
        return parse_target(text)
    except UsageError:
        if position > 0 and _looks_like_command(text):
            raise _unmarked_command(text) from None
        raise


def unknown_option(name: str, targets: Sequence[str]) -> UsageError | None:
    """Return the error about an option that does not exist, if it is a common mistake.

    ``targets`` are the arguments that are not options.
    """
    if name in _TOKEN_OPTIONS:
        return UsageError(
            f"there is no {name}, because other users can see arguments. "
            "Set LD_ACCESS_TOKEN, or use --token-file PATH."
        )
    for text in targets[1:]:
        if _looks_like_command(text):
            return _unmarked_command(text)
    return None


def _looks_like_command(text: str) -> bool:
    return shutil.which(text) is not None or text.startswith(("./", "../", "~/"))


def _unmarked_command(text: str) -> UsageError:
    return UsageError(
        f"{quoted(text)} is a command and not a target. Write -- before it: TARGET -- {shown(text)}"
    )
