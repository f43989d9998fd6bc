"""The command: one boundary that turns every error into a reported result and an exit code."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from watcher.api.targets import shown
from watcher.cli.parse import KUBERNETES_LOG, parse, split_command
from watcher.cli.settings import Settings
from watcher.cli.signals import Interrupted, raise_interrupted
from watcher.core.errors import BusyError, CommandError, UsageError
from watcher.core.exit_codes import DEFAULT_CODES, Result
from watcher.core.statuses import Outcome
from watcher.core.text import MESSAGE_LIMIT, printable_lines, reason_of
from watcher.reports.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watcher.cli.inputs import InputReader
    from watcher.cli.parse import Parsed
    from watcher.cli.run import Finished
    from watcher.cli.signals import Signals
    from watcher.core.policy import Terms
    from watcher.reports.report import Reports

_GC_THRESHOLD = 10_000
"""New objects after which Python looks for garbage. A hundred requests that start together allocate several
thousand, none of them garbage, and would exceed the default of 700 again and again."""

_PIPE_TIMEOUT = 5.0
"""Seconds that a failed run waits for its pipe, because the program before it may be creating an import."""


def main(arguments: Sequence[str], signals: Signals) -> int:
    """Run the command with the arguments after the program's name, and return the exit code."""
    signals.on_signal = Stream.limit_flush
    given, command = split_command(arguments)
    code = _run(_Attempt(command, signals), given)
    if signals.number is not None and signals.exit_code is None:
        return 128 + signals.number
    return code


@dataclass(slots=True)
class _Attempt:
    """What is known about a run when it fails."""

    command: Sequence[str] | None
    signals: Signals
    settings: Settings = field(default_factory=Settings)
    program: str = ""
    finished: Finished | None = None
    _inputs: InputReader | None = None

    @property
    def inputs(self) -> InputReader:
        """The reader of the inputs that the settings name."""
        if self._inputs is None:
            from watcher.cli.inputs import InputReader  # noqa: PLC0415 (help needs no inputs)

            self._inputs = InputReader(self.settings)
        return self._inputs


def _run(attempt: _Attempt, given: Sequence[str]) -> int:
    try:
        result = _try(attempt, given)
    except Interrupted as interrupt:
        command = attempt.command
        what = "the watch" if attempt.finished is None or command is None else shown(command[0])
        result = Result(Outcome.INTERRUPTED, interrupt.code, f"interrupted before {what} began")
    except Exception as error:  # noqa: BLE001 (the boundary: no other place prints a traceback)
        result = _defect(attempt, error)
    if result is None:
        return 0 if attempt.finished is None else attempt.finished.result.code
    try:
        _report(attempt, result)
    except Exception as error:  # noqa: BLE001 (the boundary, again: a report may be what fails)
        with suppress(OSError):
            os.write(2, f"watcher: the result could not be reported ({type(error).__name__})\n".encode())
        return _code(attempt, Outcome.INTERNAL)
    return result.code


def _try(attempt: _Attempt, given: Sequence[str]) -> Result | None:
    """Run the command, and return a failure that is not reported yet."""
    try:
        parsed = parse(given)
        if parsed is None:
            return None
        attempt.settings = parsed.settings
        terms = _check(attempt, parsed)
        attempt.finished = finished = _watch(attempt, terms)
        if attempt.command is not None and finished.result.code == 0:
            _replace_process(attempt.program, attempt.command, finished, attempt)
    except (UsageError, CommandError) as error:
        message = str(error)
        if attempt.finished is None and (created := _find_created(attempt)):
            fact, _, next_step = message.rpartition(". ")
            message = f"{fact or next_step.removesuffix('.')}; {created}."
            message += f" {next_step}" if fact else ""
        code = error.code if isinstance(error, CommandError) else _code(attempt, Outcome.USAGE)
        return _failure(attempt, Outcome.USAGE, code, message)
    except BusyError as error:
        return _busy(attempt, error)
    return None


def _check(attempt: _Attempt, parsed: Parsed) -> Terms:
    """Check everything that can be checked before anything blocks, and return the terms of the watch."""
    from watcher.cli.command import find_command  # noqa: PLC0415 (help needs neither)
    from watcher.cli.file_conflicts import check_distinct_files  # noqa: PLC0415 (likewise)

    if parsed.error is not None:
        raise parsed.error
    attempt.program = "" if attempt.command is None else find_command(attempt.command)
    settings = parsed.settings
    settings.check(has_command=attempt.command is not None)
    check_distinct_files(settings, attempt.program)
    terms = settings.terms()
    attempt.signals.check()
    attempt.inputs.check()
    return terms


def _watch(attempt: _Attempt, terms: Terms) -> Finished:
    try:
        from watcher.cli.run import run_watch  # noqa: PLC0415 (usage errors need no network)
    except OSError as error:  # aiohttp prepares TLS when it is imported
        raise UsageError(
            f"TLS cannot be prepared: {reason_of(error)}. "
            "Check SSLKEYLOGFILE, SSL_CERT_FILE and SSL_CERT_DIR."
        ) from None
    gc.freeze()  # imported modules stay until the end
    gc.set_threshold(_GC_THRESHOLD)
    gc.enable()
    has_command = attempt.command is not None
    return run_watch(attempt.settings, attempt.inputs, terms, attempt.signals, has_command=has_command)


def _replace_process(program: str, command: Sequence[str], finished: Finished, attempt: _Attempt) -> None:
    from watcher.cli.command import replace_process, short_enough  # noqa: PLC0415 (most runs have no command)
    from watcher.core.messages.progress import Level  # noqa: PLC0415 (likewise)

    variables = finished.variables()
    fit = short_enough(variables)
    if missing := ", ".join(variables.keys() - fit):
        log = _line_log(attempt)
        log.notify(
            Level.WARNING,
            "command",
            f"{missing} is not set: the result is too large for an environment variable. "
            "Read it from a file with --status-file PATH, or from standard output with --output json.",
        )
        log.close()
    attempt.signals.check()  # it may have arrived too late for the watch
    replace_process(program, command, fit, attempt.signals)


def _find_created(attempt: _Attempt) -> str | None:
    """Return a clause about the import that standard input names: it exists, and must not be lost."""
    settings, inputs, signals = attempt.settings, attempt.inputs, attempt.signals
    if "-" not in settings.targets or sys.stdin is None or sys.stdin.isatty():
        return None
    from watcher.cli.reading import read_within  # noqa: PLC0415 (most runs have no such error)
    from watcher.cli.target_lists import created_import  # noqa: PLC0415 (likewise)
    from watcher.core.messages.progress import Level  # noqa: PLC0415 (likewise)

    notify = partial(_line_log(attempt).notify, Level.INFO, "waiting_for_input")
    limit = min(_PIPE_TIMEOUT, settings.timeout or _PIPE_TIMEOUT)
    signals.set_callback(raise_interrupted)
    try:
        signals.check()
        return read_within(limit, partial(created_import, inputs.lists), inputs.reading, notify)
    finally:
        signals.set_callback(None)


def _line_log(attempt: _Attempt) -> Reports:
    """Return a log for lines before or after the watch."""
    from watcher.cli.outputs import make_line_log  # noqa: PLC0415 (help needs neither)
    from watcher.reports.report import Reports  # noqa: PLC0415 (likewise)

    return Reports([make_line_log(attempt.settings)], attempt.inputs.conceal)


def _failure(attempt: _Attempt, outcome: Outcome, code: int, message: str) -> Result:
    return Result(outcome, code, shown(attempt.inputs.conceal(message), MESSAGE_LIMIT))


def _busy(attempt: _Attempt, error: BusyError) -> Result:
    """Leave the files to the run that uses the state file; each container has its own default log."""
    settings = attempt.settings
    log = settings.termination_log if settings.termination_log == KUBERNETES_LOG else None
    attempt.settings = replace(settings, dotenv=None, status_file=None, termination_log=log)
    return _failure(attempt, Outcome.UNAVAILABLE, _code(attempt, Outcome.UNAVAILABLE), str(error))


def _defect(attempt: _Attempt, error: Exception) -> Result:
    import traceback  # noqa: PLC0415 (slow, and rarely needed)

    lines = printable_lines(attempt.inputs.conceal("".join(traceback.format_exception(error))).rstrip())
    message = f"this is a defect in watcher; please report it with this traceback:\n{lines}"
    return Result(Outcome.INTERNAL, _code(attempt, Outcome.INTERNAL), message)


def _code(attempt: _Attempt, outcome: Outcome) -> int:
    """Return the exit code of a run that watches nothing; it is never 0 if a command was to follow.

    ``--exit-code`` has no effect until the command line has been read.
    """
    code = attempt.settings.exit_codes.code(outcome)
    # 0 would pass for the command's success.
    return DEFAULT_CODES[outcome] if code == 0 and attempt.command is not None else code


def _report(attempt: _Attempt, result: Result) -> None:
    """Report the failure of a run; if its watch was reported before, only to standard error."""
    from watcher.cli.file_conflicts import without_shared_files  # noqa: PLC0415 (help needs none of these)
    from watcher.cli.outputs import make_failure_reports, make_line_log  # noqa: PLC0415 (likewise)
    from watcher.reports.report import Reports  # noqa: PLC0415 (likewise)

    if attempt.finished is not None:
        reports = [make_line_log(attempt.settings)]
    else:
        reports = make_failure_reports(without_shared_files(attempt.settings, attempt.program))
    every = Reports(reports, attempt.inputs.conceal)
    every.finish(result)
    every.close()
