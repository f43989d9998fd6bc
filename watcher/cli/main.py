"""The command: one boundary that turns every error into a reported result and an exit code."""

from __future__ import annotations

import gc
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from watcher.cli.parse import KUBERNETES_LOG, parse, split_command
from watcher.cli.settings import Settings
from watcher.cli.signals import Interrupted, raise_interrupted
from watcher.core.errors import BusyError, CommandError, UsageError
from watcher.core.exit_codes import DEFAULT_CODES, Result
from watcher.core.statuses import Outcome
from watcher.core.text import MESSAGE_LIMIT, printable, printable_lines
from watcher.reports.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watcher.cli.inputs import Inputs
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
    settings = Settings()
    prepared: _Prepared | None = None
    finished: Finished | None = None
    try:
        parsed = parse(given)
        if parsed is None:
            return 0
        settings = parsed.settings
        prepared = _prepare(parsed, command, signals)
        finished = _watch(settings, prepared, signals)
        if command is None or finished.result.code != 0:
            return finished.result.code
        _replace_process(prepared.program, command, finished, signals)
    except UsageError as error:
        result = _failure(Outcome.USAGE, error)
    except CommandError as error:
        result = _failure(Outcome.USAGE, error, error.code)
    except BusyError as error:
        settings = _without_files(settings)
        result = _failure(Outcome.UNAVAILABLE, error, _busy_code(settings, command))
    except Interrupted as interrupt:
        what = "the watch" if finished is None or command is None else command[0]
        result = Result(Outcome.INTERRUPTED, interrupt.code, f"interrupted before {what} began")
    except Exception as error:  # noqa: BLE001 (the boundary: no other place prints a traceback)
        result = _defect(error, prepared)
    try:
        _report(settings, result, is_reported=finished is not None)
    except Exception as error:  # noqa: BLE001 (the boundary, again: a report may be what fails)
        with suppress(OSError):
            os.write(2, f"watcher: the result could not be reported ({type(error).__name__})\n".encode())
        return DEFAULT_CODES[Outcome.INTERNAL]
    return result.code


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What a run needs; ``program`` is the path of the command, empty without one."""

    program: str
    terms: Terms
    inputs: Inputs


def _prepare(parsed: Parsed, command: Sequence[str] | None, signals: Signals) -> _Prepared:
    """Check everything that can be checked before the first request."""
    from watcher.cli.command import find_command  # noqa: PLC0415 (help needs none of these)
    from watcher.cli.files import check_distinct_files  # noqa: PLC0415
    from watcher.cli.inputs import read_inputs  # noqa: PLC0415
    from watcher.cli.target_lists import TargetLists, created_import  # noqa: PLC0415

    settings, lists = parsed.settings, TargetLists()
    try:
        if parsed.error is not None:
            raise parsed.error
        program = "" if command is None else find_command(command)
        settings.check(has_command=command is not None)
        check_distinct_files(settings)
        terms = settings.terms()
        signals.check()
        signals.call(raise_interrupted)  # a pipe may never be closed
        return _Prepared(program, terms, read_inputs(settings, lists))
    except (UsageError, CommandError) as error:
        # Report the created import's ID even if the run fails.
        created = created_import(lists) if "-" in settings.targets else None
        if created is not None:
            error.args = (f"{str(error).rstrip('.')}. {created}",)
        raise
    finally:
        signals.call(None)


def _watch(settings: Settings, prepared: _Prepared, signals: Signals) -> Finished:
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
    return run_watch(settings, prepared.inputs, prepared.terms, signals, has_command=bool(prepared.program))


def _replace_process(program: str, command: Sequence[str], finished: Finished, signals: Signals) -> None:
    from watcher.cli.command import replace_process  # noqa: PLC0415 (most runs have no command)

    signals.check()  # it may have arrived too late for the watch
    replace_process(program, command, finished.variables(), signals)


def _failure(outcome: Outcome, error: WatcherError, code: int | None = None) -> Result:
    message = printable(str(error), MESSAGE_LIMIT)
    return Result(outcome, DEFAULT_CODES[outcome] if code is None else code, message)


def _without_files(settings: Settings) -> Settings:
    """Leave the files to the run that uses the state file; each container has its own default log."""
    log = settings.termination_log if settings.termination_log == KUBERNETES_LOG else None
    return replace(settings, dotenv=None, status_file=None, termination_log=log)


def _busy_code(settings: Settings, command: Sequence[str] | None) -> int | None:
    code = settings.exit_codes.code(Outcome.UNAVAILABLE)
    return None if code == 0 and command is not None else code  # 0 would pass for the command's success


def _defect(error: Exception, prepared: _Prepared | None) -> Result:
    import traceback  # noqa: PLC0415 (slow, and rarely needed)

    lines = "".join(traceback.format_exception(error))
    if prepared is not None:
        lines = prepared.inputs.tokens.conceal(lines)
    shown = printable_lines(lines.rstrip())
    message = f"this is a defect in watcher; please report it with this traceback:\n{shown}"
    return Result(Outcome.INTERNAL, DEFAULT_CODES[Outcome.INTERNAL], message)


def _report(settings: Settings, result: Result, *, is_reported: bool) -> None:
    """Report a result that is not that of a watch; once a watch is reported, only to standard error."""
    from watcher.cli.files import without_shared_files  # noqa: PLC0415 (help needs none of these)
    from watcher.cli.outputs import make_failure_reports, make_line_log  # noqa: PLC0415
    from watcher.reports.report import Reports  # noqa: PLC0415

    if is_reported:
        reports = Reports([make_line_log(settings)])
    else:
        reports = Reports(make_failure_reports(without_shared_files(settings)))
    reports.finish(result)
    reports.close()
