"""The command: one boundary that turns every error into a message and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import msgspec

from watcher.core.errors import UsageError
from watcher.core.model import Outcome
from watcher.exit_codes import DEFAULT_CODES
from watcher.options import parse
from watcher.reports.documents import timestamp
from watcher.reports.stream import Stream
from watcher.resolve import resolve
from watcher.targets import LISTING_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watcher.credentials import TokenSource


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: The arguments after the program's name; None takes the process's.

    Returns:
        The exit code.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    tokens: TokenSource | None = None
    try:
        options = parse(given)
        if options is None:
            return 0
        settings = resolve(options, _read_listing)
        tokens = settings.tokens
        from watcher.session import run_session  # noqa: PLC0415 (help and usage errors need no network)

        return run_session(settings)
    except UsageError as error:
        return _complain(Outcome.USAGE, str(error), given)
    except KeyboardInterrupt:
        return _complain(Outcome.INTERRUPTED, "interrupted before the watch began", given)
    except Exception:  # noqa: BLE001 (the boundary: no other place shows a traceback)
        lines = traceback.format_exc()
        if tokens is not None:
            lines = lines.replace(tokens.current().reveal(), "***")
        message = f"{lines}watcher: this is a defect in watcher; please report it with the lines above"
        return _complain(Outcome.INTERNAL, message, given)


def run_command() -> NoReturn:
    """Runs the command and ends the process with its exit code."""
    for file in (sys.stdout, sys.stderr):
        if isinstance(file, TextIOWrapper):
            file.reconfigure(encoding="utf-8", errors="backslashreplace")  # as JSON wants it (RFC 8259, 8.1)
    # Until the loop takes signals over; process 1 has no default action for them.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _terminate)
    code = main()
    if threading.active_count() > 1:
        # A name lookup that hangs cannot be cancelled, and would hold the process until it gives up.
        for file in (sys.stdout, sys.stderr):
            if file is not None:
                file.flush()
        os._exit(code)
    raise SystemExit(code)


def _terminate(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def _complain(outcome: Outcome, message: str, arguments: Sequence[str]) -> int:
    """Says why nothing was watched, in the format that was asked for as far as that can be told."""
    code = DEFAULT_CODES[outcome]
    stream = Stream(sys.stderr)
    if _wants_json(arguments):
        at = timestamp(time.time())
        line = {"event": "result", "level": "error", "at": at, "outcome": outcome, "exit_code": code}
        stream.write_line(msgspec.json.encode(line | {"message": message}).decode())
    else:
        stream.write_line(message if outcome is Outcome.INTERNAL else f"watcher: {message}")
    return code


def _wants_json(arguments: Sequence[str]) -> bool:
    flag = "--log-format"
    for position, argument in enumerate(arguments):
        if argument == flag:
            return list(arguments[position + 1 : position + 2]) == ["json"]
        if argument.startswith(f"{flag}="):
            return argument == f"{flag}=json"
    return os.environ.get("WATCHER_LOG_FORMAT") == "json"


def _read_listing(name: str) -> str:
    """Reads the targets of ``-`` or ``@FILE``."""
    if name == "-":
        if sys.stdin is None:
            raise UsageError(
                "standard input is closed; pipe the answer's headers in: curl -sS -D - … | watcher -"
            )
        return sys.stdin.buffer.read(LISTING_LIMIT).decode("utf-8", errors="replace")
    path = Path(name[1:])
    try:
        with path.open("rb") as file:
            return file.read(LISTING_LIMIT).decode("utf-8", errors="replace")
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}; name a file of targets as @FILE"
        ) from None
