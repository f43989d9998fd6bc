"""The command: one boundary that turns every error into a reported result and an exit code."""

from __future__ import annotations

import gc
import os
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from watcher.api.targets import shown
from watcher.cli.inputs import InputReader
from watcher.cli.parse import KUBERNETES_LOG, parse, split_command
from watcher.cli.settings import Settings
from watcher.cli.signals import Interrupted
from watcher.core.errors import BusyError, CommandError, UsageError
from watcher.core.exit_codes import DEFAULT_CODES, Result
from watcher.core.statuses import Outcome
from watcher.core.text import MESSAGE_LIMIT, printable_lines
from watcher.reports.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watcher.cli.parse import Parsed
    from watcher.cli.run import Finished
    from watcher.cli.signals import Signals
    from watcher.core.errors import WatcherError
    from watcher.core.policy import Terms

_GC_THRESHOLD = 10_000
"""New objects after which Python looks for garbage. A hundred requests that start together allocate several
thousand, none of them garbage, and would exceed the default of 700 again and again."""


def main(arguments: Sequence[str], signals: Signals) -> int:
    """Run the command with the arguments after the program's name, and return the exit code."""
    signals.on_signal = Stream.limit_flush
    code = _run(arguments, signals)
    if signals.number is not None and signals.exit_code is None:
        return 128 + signals.number
    return code


def _run(arguments: Sequence[str], signals: Signals) -> int:
    given, command = split_command(arguments)
    attempt = _Attempt(command)
    try:
        result = _try(attempt, given, signals)
    except Interrupted as interrupt:
        what = "the watch" if attempt.finished is None or command is None else shown(command[0])
        result = Result(Outcome.INTERRUPTED, interrupt.code, f"interrupted before {what} began")
    except Exception as error:  # noqa: BLE001 (the boundary: no other place prints a traceback)
        result = _defect(error, attempt.inputs)
    if result is None:
        return 0 if attempt.finished is None else attempt.finished.result.code
    try:
        _report(attempt, result)
    except Exception as error:  # noqa: BLE001 (the boundary, again: a report may be what fails)
        with suppress(OSError):
            os.write(2, f"watcher: the result could not be reported ({type(error).__name__})\n".encode())
        return DEFAULT_CODES[Outcome.INTERNAL]
    return result.code


@dataclass(slots=True)
class _Attempt:
    """What is known about a run when it fails."""

    command: Sequence[str] | None
    settings: Settings = field(default_factory=Settings)
    inputs: InputReader = field(default_factory=lambda: InputReader(Settings()))
    finished: Finished | None = None


def _try(attempt: _Attempt, given: Sequence[str], signals: Signals) -> Result | None:
    """Run the command, and return a failure that is not reported yet."""
    command = attempt.command
    try:
        parsed = parse(given)
        if parsed is None:
            return None
        attempt.settings, attempt.inputs = parsed.settings, InputReader(parsed.settings)
        prepared = _prepare(parsed, command, attempt.inputs, signals)
        attempt.finished = finished = _watch(prepared, signals)
        if command is not None and finished.result.code == 0:
            _replace_process(prepared.program, command, finished, signals)
    except (UsageError, CommandError) as error:
        created = None if attempt.finished is not None else _find_created(attempt.inputs, signals)
        code = error.code if isinstance(error, CommandError) else None
        return _failure(attempt, Outcome.USAGE, error, code=code, created=created)
    except BusyError as error:
        attempt.settings = _without_files(attempt.settings)
        return _failure(attempt, Outcome.UNAVAILABLE, error, code=_busy_code(attempt.settings, command))
    return None


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What a run needs; ``program`` is the path of the command, empty without one."""

    settings: Settings
    program: str
    terms: Terms
    inputs: InputReader


def _prepare(
    parsed: Parsed, command: Sequence[str] | None, inputs: InputReader, signals: Signals
) -> _Prepared:
    """Check everything that can be checked before anything blocks."""
    from watcher.cli.command import find_command  # noqa: PLC0415 (help needs neither)
    from watcher.cli.files import check_distinct_files  # noqa: PLC0415

    if parsed.error is not None:
        raise parsed.error
    program = "" if command is None else find_command(command)
    settings = parsed.settings
    settings.check(has_command=command is not None)
    check_distinct_files(settings)
    terms = settings.terms()
    signals.check()
    inputs.check()
    return _Prepared(settings, program, terms, inputs)


def _watch(prepared: _Prepared, signals: Signals) -> Finished:
    try:
        from watcher.cli.run import run_watch  # noqa: PLC0415 (usage errors need no network)
    except OSError as error:  # aiohttp prepares TLS when it is imported
        raise UsageError(
            f"TLS cannot be prepared: {error.strerror or 'unknown reason'}. "
            "Check SSLKEYLOGFILE, SSL_CERT_FILE and SSL_CERT_DIR."
        ) from None
    gc.freeze()  # imported modules stay until the end
    gc.set_threshold(_GC_THRESHOLD)
    gc.enable()
    has_command = bool(prepared.program)
    return run_watch(prepared.settings, prepared.inputs, prepared.terms, signals, has_command=has_command)


def _find_created(inputs: InputReader, signals: Signals) -> str | None:
    """Return a sentence about the import that standard input names: it exists, and must not be lost."""
    if "-" not in inputs.settings.targets:
        return None
    from watcher.cli.created import find_created_import  # noqa: PLC0415 (most runs have no such error)

    return find_created_import(inputs, signals)


def _replace_process(program: str, command: Sequence[str], finished: Finished, signals: Signals) -> None:
    from watcher.cli.command import replace_process  # noqa: PLC0415 (most runs have no command)

    signals.check()  # it may have arrived too late for the watch
    replace_process(program, command, finished.variables(), signals)


def _failure(
    attempt: _Attempt,
    outcome: Outcome,
    error: WatcherError,
    *,
    code: int | None = None,
    created: str | None = None,
) -> Result:
    text = str(error) if created is None else f"{str(error).rstrip('.')}. {created}"
    message = shown(attempt.inputs.conceal(text), MESSAGE_LIMIT)
    return Result(outcome, DEFAULT_CODES[outcome] if code is None else code, message)


def _without_files(settings: Settings) -> Settings:
    """Leave the files to the run that uses the state file; each container has its own default log."""
    log = settings.termination_log if settings.termination_log == KUBERNETES_LOG else None
    return replace(settings, dotenv=None, status_file=None, termination_log=log)


def _busy_code(settings: Settings, command: Sequence[str] | None) -> int | None:
    code = settings.exit_codes.code(Outcome.UNAVAILABLE)
    return None if code == 0 and command is not None else code  # 0 would pass for the command's success


def _defect(error: Exception, inputs: InputReader) -> Result:
    import traceback  # noqa: PLC0415 (slow, and rarely needed)

    lines = printable_lines(inputs.conceal("".join(traceback.format_exception(error))).rstrip())
    message = f"this is a defect in watcher; please report it with this traceback:\n{lines}"
    return Result(Outcome.INTERNAL, DEFAULT_CODES[Outcome.INTERNAL], message)


def _report(attempt: _Attempt, result: Result) -> None:
    """Report a result that is not that of a watch; once a watch is reported, only to standard error."""
    from watcher.cli.files import without_shared_files  # noqa: PLC0415 (help needs none of these)
    from watcher.cli.outputs import make_failure_reports, make_line_log  # noqa: PLC0415
    from watcher.reports.report import Reports  # noqa: PLC0415

    if attempt.finished is not None:
        reports = [make_line_log(attempt.settings)]
    else:
        reports = make_failure_reports(without_shared_files(attempt.settings))
    every = Reports(reports, attempt.inputs.conceal)
    every.finish(result)
    every.close()
