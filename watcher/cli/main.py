"""The command: one boundary that turns every error into a message and an exit code."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from watcher.cli.complaints import complain
from watcher.cli.early import split_command
from watcher.cli.parse import parse
from watcher.core.errors import BusyError, CommandError, UsageError
from watcher.core.statuses import Outcome
from watcher.reports.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watcher.cli.run import Finished
    from watcher.cli.settings import Settings
    from watcher.core.errors import WatcherError

COLLECT_AFTER = 10_000
"""Objects by which the heap grows before garbage is looked for. A hundred requests that go out together are
several thousand, which look like growth to Python's default of 700, and none of them is garbage."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: The arguments after the program's name; None takes the process's.

    Returns:
        The exit code.
    """
    given, command = split_command(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(given, command)
    except KeyboardInterrupt as interrupt:
        return _interrupted(interrupt).code  # while an end was being told to a slow reader


def _run(given: Sequence[str], command: Sequence[str] | None) -> int:
    settings: Settings | None = None
    finished: Finished | None = None
    try:
        prepared = _prepare(given, command)
        if prepared is None:
            return 0
        settings, program = prepared
        finished = _watch(settings, hands_over=program is not None)
        if program is None or finished.result.code != 0:
            return finished.result.code
        _hand_over(finished, program, command or [])
    except UsageError as error:
        return complain(Outcome.USAGE, _message(error), given)
    except BusyError as error:
        return complain(Outcome.UNAVAILABLE, str(error), given, _code_where_busy(settings, command))
    except CommandError as error:
        return complain(Outcome.USAGE, _message(error), given, error.code, is_told=finished is not None)
    except KeyboardInterrupt as interrupt:
        came = _interrupted(interrupt)
        return complain(Outcome.INTERRUPTED, came.message, given, came.code, is_told=finished is not None)
    except Exception:  # noqa: BLE001 (the boundary: no other place shows a traceback)
        import traceback  # noqa: PLC0415 (slow, and hoped to be unused)

        lines = traceback.format_exc()
        if settings is not None:
            lines = settings.tokens.conceal(lines)
        message = f"{lines}watcher: this is a defect in watcher; please report it with the lines above"
        return complain(Outcome.INTERNAL, message, given, is_told=finished is not None)


def _code_where_busy(settings: Settings | None, command: Sequence[str] | None) -> int | None:
    code = None if settings is None else settings.exit_codes.code(Outcome.UNAVAILABLE)
    # A 0 would be taken for the command's own, which does not run.
    return None if code == 0 and command is not None else code


def _prepare(given: Sequence[str], command: Sequence[str] | None) -> tuple[Settings, str | None] | None:
    """Reads what the run needs to know: its settings and, where there is a command, the command's program."""
    piped: list[str] = []

    def read(name: str) -> str:
        from watcher.cli.target_lists import read_listing  # noqa: PLC0415 (help and most usage errors need none of it)

        text = read_listing(name)
        if name == "-":
            piped.append(text)
        return text

    try:
        options = parse(given)
        if options is None:
            return None
        from watcher.cli.resolve import resolve  # noqa: PLC0415 (likewise)

        program = None if command is None else _find(command)
        settings = resolve(options, read)
        if program is not None:
            _forbid_lingering(settings)
    except (UsageError, CommandError) as error:
        if "-" in given and not (sys.stdin is None or sys.stdin.isatty()):
            with suppress(UsageError):
                error.add_note(_name_targets(piped[0] if piped else read("-")))
        raise
    return settings, program


def _name_targets(piped: str) -> str:
    """Names what was piped in: an import that was created for this run goes on, and must not get lost."""
    from watcher.cli.target_lists import parse_listing  # noqa: PLC0415 (seldom used)

    first, *others = (str(target.ref) for target in parse_listing(piped, "standard input"))
    more = f" and {len(others)} more" if others else ""
    return f"standard input named {first}{more}, which nobody watches now"


def _message(error: WatcherError) -> str:
    return "; ".join((str(error), *getattr(error, "__notes__", ())))


def _find(command: Sequence[str]) -> str:
    from watcher.cli.command import find_command  # noqa: PLC0415 (most runs have no command)

    return find_command(command)


def _forbid_lingering(settings: Settings) -> None:
    if settings.linger:
        raise UsageError(
            "--linger and -- COMMAND contradict each other: one serves on after the end, the other takes "
            "watcher's place; leave one of them out"
        )


def _watch(settings: Settings, *, hands_over: bool) -> Finished:
    try:
        from watcher.cli.run import run_session  # noqa: PLC0415 (help and usage errors need no network)
    except OSError as error:  # aiohttp prepares TLS while it is imported
        raise UsageError(
            f"the program cannot be loaded: {error.strerror or 'the reason is not known'}; if SSLKEYLOGFILE, "
            "SSL_CERT_FILE or SSL_CERT_DIR is set, see that it names what can be used"
        ) from None

    gc.freeze()  # what was imported stays to the end
    gc.set_threshold(COLLECT_AFTER)
    gc.enable()
    return run_session(settings, hands_over=hands_over)


def _hand_over(finished: Finished, program: str, command: Sequence[str]) -> NoReturn:
    from watcher.cli.command import replace_process  # noqa: PLC0415 (most runs have no command)

    if finished.signal is not None:
        raise _Interrupted(finished.signal, f"interrupted before {command[0]} began, which did not run")
    replace_process(program, command, finished.variables())


def run_command() -> NoReturn:
    """Runs the command and ends the process with its exit code."""
    # Until the watch takes signals over; process 1 has no default action for them.
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    code = main()
    if threading.active_count() > 1:
        # A name lookup that hangs cannot be cancelled, and would hold the process until it gives up.
        os._exit(code)
    raise SystemExit(code)


class _Interrupted(KeyboardInterrupt):
    """A signal came before the watch began, or after it.

    Args:
        number: The signal's number.
        message: What it kept from happening.
    """

    def __init__(self, number: int, message: str = "interrupted before the watch began") -> None:
        super().__init__()
        self.code = 128 + number
        self.message = message


def _interrupted(interrupt: KeyboardInterrupt) -> _Interrupted:
    return interrupt if isinstance(interrupt, _Interrupted) else _Interrupted(signal.SIGINT)


def _interrupt(number: int, _frame: object) -> NoReturn:
    Stream.hurry()
    raise _Interrupted(number)
