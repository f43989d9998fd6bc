"""What is read of the command line before its options are; imports next to nothing."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False  # as type checkers know it, without the import
if TYPE_CHECKING:
    from collections.abc import Sequence


def split_command(arguments: Sequence[str]) -> tuple[list[str], list[str] | None]:
    """Takes the command off the command line.

    Args:
        arguments: All arguments.

    Returns:
        Those before the first ``--``, and those after it; None where there is no ``--``.
    """
    given = list(arguments)
    if "--" not in given:
        return given, None
    position = given.index("--")
    return given[:position], given[position + 1 :]


def wants_json(arguments: Sequence[str]) -> bool:
    """Tells whether every line of standard error must be a JSON object.

    Args:
        arguments: The arguments after the program's name.

    Returns:
        True where the flag, or else the environment, says so.
    """
    return asked_for("--log-format", "WATCHER_LOG_FORMAT", arguments) == "json"


def is_github_step(arguments: Sequence[str]) -> bool:
    """Tells whether GitHub Actions reads standard error.

    Args:
        arguments: The arguments after the program's name.

    Returns:
        True where the user or GitHub says so.
    """
    ci = asked_for("--ci", "WATCHER_CI", arguments)
    return ci == "github" or (ci in {"", "auto"} and os.environ.get("GITHUB_ACTIONS") == "true")


def interruption(code: int, arguments: Sequence[str]) -> str:
    """Says that a signal came before anything was begun; safe to call while modules are being imported.

    Args:
        code: The exit code.
        arguments: The arguments after the program's name.

    Returns:
        One line, with its end.
    """
    message = "interrupted before the watch began"
    if not wants_json(arguments):
        return f"watcher: {message}\n"
    now = time.time()
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03}Z"
    return (
        f'{{"event":"result","level":"error","at":"{at}","outcome":"interrupted","exit_code":{code},'
        f'"message":"{message}"}}\n'
    )


def asked_for(flag: str, variable: str, arguments: Sequence[str]) -> str:
    """Finds an option's value where the arguments may not be readable as a whole.

    Args:
        flag: The option.
        variable: Its environment variable.
        arguments: The arguments after the program's name.

    Returns:
        What the flag says, or else the environment; empty where neither says anything.
    """
    for position in reversed(range(len(arguments))):  # as click has it, the last one counts
        argument = arguments[position]
        if argument == flag:
            return "".join(arguments[position + 1 : position + 2]).strip()
        if argument.startswith(f"{flag}="):
            return argument.removeprefix(f"{flag}=").strip()
    return os.environ.get(variable, "").strip()


def kubernetes_log() -> str | None:
    """Finds the file that Kubernetes shows as the reason of a container's end.

    Returns:
        Its path; None elsewhere than in Kubernetes.
    """
    path = "/dev/termination-log"
    return path if "KUBERNETES_SERVICE_HOST" in os.environ and os.path.exists(path) else None  # noqa: PTH110 (pathlib is slow to load)
