"""Says why nothing was watched everywhere that somebody looks for a watch's end, or what failed after it."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from watcher.cli.early import asked_for, is_github_step, kubernetes_log, wants_json
from watcher.core.exit_codes import DEFAULT_CODES
from watcher.core.statuses import Outcome
from watcher.core.text import printable
from watcher.reports.files import write_file
from watcher.reports.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watcher.reports.documents import ResultDocument

_LONGEST = 1000


def complain(
    outcome: Outcome,
    message: str,
    arguments: Sequence[str],
    code: int | None = None,
    *,
    is_told: bool = False,
) -> int:
    """Says why nothing was watched, in the format that was asked for as far as that can be told.

    Args:
        outcome: What went wrong.
        message: Why, and what the person can do.
        arguments: The arguments after the program's name, which may be wrong themselves.
        code: The exit code, where it is not the outcome's own.
        is_told: Whether a watch came to its end before. That end stays where it was told.

    Returns:
        The exit code.
    """
    code = DEFAULT_CODES[outcome] if code is None else code
    if outcome is not Outcome.INTERNAL:
        message = f"watcher: {printable(message, _LONGEST)}"
    if not is_told:
        if outcome is Outcome.UNAVAILABLE:  # of a busy state file: its run has the same files
            if not asked_for("--termination-log", "WATCHER_TERMINATION_LOG", arguments):
                _write_log(kubernetes_log(), message)  # which each container has for itself
        else:
            _write_files(outcome, message, arguments, code)
        _write_outputs(outcome, arguments, code)
        _print_result(outcome, arguments, code)
    stream = _standard_error(arguments)
    stream.write_line(_line(outcome, message, arguments, code))
    stream.drain()
    return code


def _write_outputs(outcome: Outcome, arguments: Sequence[str], code: int) -> None:
    """Lets later steps of a GitHub job see the end."""
    path = os.environ.get("GITHUB_OUTPUT")
    if not path or not is_github_step(arguments):
        return
    from watcher.core.exit_codes import Result  # noqa: PLC0415 (slow, and only on GitHub)
    from watcher.reports.github.outputs import write_outputs  # noqa: PLC0415 (likewise)

    with suppress(OSError):
        write_outputs(Path(path), Result(outcome, code), _empty_result(outcome, code))


def _print_result(outcome: Outcome, arguments: Sequence[str], code: int) -> None:
    match asked_for("--output", "WATCHER_OUTPUT", arguments):
        case "json":
            document = _encoded(_empty_result(outcome, code))
        case "jsonl":
            document = _last_event(outcome, code)
        case _:
            return
    output = Stream(sys.stdout)
    output.write_line_of([document])
    output.drain()


def _standard_error(arguments: Sequence[str]) -> Stream:
    if is_github_step(arguments):
        from watcher.reports.github.log import CommandFreeStream  # noqa: PLC0415 (only on GitHub)

        return CommandFreeStream(sys.stderr)
    return Stream(sys.stderr)


def _line(outcome: Outcome, message: str, arguments: Sequence[str], code: int) -> str:
    if wants_json(arguments):
        import json  # noqa: PLC0415 (slow, and seldom used)

        from watcher.reports.values import timestamp  # noqa: PLC0415 (likewise)

        at, plain = timestamp(time.time()), message.removeprefix("watcher: ")
        line = {"event": "result", "level": "error", "at": at, "outcome": outcome, "exit_code": code}
        return json.dumps(line | {"message": plain}, ensure_ascii=False)
    if is_github_step(arguments):
        from watcher.reports.github.log import workflow_command  # noqa: PLC0415 (only on GitHub)

        return workflow_command("error", {"title": f"watcher: {outcome}"}, message)
    return message


def _write_files(outcome: Outcome, message: str, arguments: Sequence[str], code: int) -> None:
    """Replaces what an earlier run may have left in files that tell the end; others may be waiting for it."""
    kept = _files_to_keep(arguments)
    status = asked_for("--status-file", "WATCHER_STATUS_FILE", arguments)
    if status and _real(status) not in kept:
        from watcher.reports.status_file import replace_file  # noqa: PLC0415 (slow, and seldom used)

        with suppress(OSError):  # the line on standard error says what matters more
            replace_file(Path(status), _encoded(_empty_result(outcome, code)))
    dotenv = asked_for("--dotenv", "WATCHER_DOTENV", arguments)
    if dotenv and _real(dotenv) not in kept:
        from watcher.core.exit_codes import Result  # noqa: PLC0415 (slow, and seldom used)
        from watcher.reports.dotenv import Dotenv  # noqa: PLC0415 (likewise)

        with suppress(OSError):
            Dotenv(Path(dotenv)).finish(Result(outcome, code))
    log = asked_for("--termination-log", "WATCHER_TERMINATION_LOG", arguments) or kubernetes_log()
    if log and _real(log) not in kept:
        _write_log(log, message)


def _write_log(path: str | None, message: str) -> None:
    if path is not None:
        from watcher.reports.termination_log import fitting  # noqa: PLC0415 (slow, and seldom used)

        with suppress(OSError):
            write_file(Path(path), fitting(f"{message}\n"))


def _files_to_keep(arguments: Sequence[str]) -> frozenset[str]:
    """Finds the files that are read: that one is named for two purposes may be what is complained of."""
    state = asked_for("--state-file", "WATCHER_STATE_FILE", arguments)
    named = {
        *((state, f"{state}.new", f"{state}.lock") if state else ()),
        *(argument[1:] for argument in arguments if argument.startswith("@")),
        asked_for("--token-file", "WATCHER_TOKEN_FILE", arguments),
        asked_for("--ca-file", "WATCHER_CA_FILE", arguments),
    }
    return frozenset(_real(name) for name in named if name)


def _real(name: str) -> str:
    try:
        return os.path.realpath(name)
    except OSError:  # the working directory was deleted
        return name


def _empty_result(outcome: Outcome, code: int) -> ResultDocument:
    from watcher.reports.documents import ResultDocument  # noqa: PLC0415 (slow, and seldom used)

    return ResultDocument(outcome=outcome, exit_code=code, elapsed_s=0.0, imports=[])


def _last_event(outcome: Outcome, code: int) -> bytes:
    from watcher.core.model import Instant  # noqa: PLC0415 (slow, and seldom used)
    from watcher.reports.event_documents import result_event  # noqa: PLC0415 (likewise)

    return _encoded(result_event(_empty_result(outcome, code), Instant(time.monotonic(), time.time())))


def _encoded(document: ResultDocument) -> bytes:
    import msgspec  # noqa: PLC0415 (slow, and seldom used)

    return msgspec.json.encode(document)
