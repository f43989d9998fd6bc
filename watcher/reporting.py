"""Which reports a run has, and what the events of each go through."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from watcher.reports.log import JsonLog, PlainLog
from watcher.reports.output import JsonLinesOutput, JsonOutput, TextOutput
from watcher.reports.stream import Stream
from watcher.reports.variables import Dotenv
from watcher.reports.words import Level
from watcher.settings import LogFormat, OutputFormat, ProgressStyle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watcher.reports.log import Log
    from watcher.reports.report import Report
    from watcher.reports.result import Ledger
    from watcher.settings import Settings


def make_log(settings: Settings) -> Log:
    """Makes what tells the events on standard error.

    Args:
        settings: What the user asked for.

    Returns:
        The log.
    """
    stream = Stream(sys.stderr)
    level = Level[settings.log_level.name]
    if settings.log_format is LogFormat.JSON:
        return JsonLog(stream, level, settings.exit_codes)
    quiet = settings.progress is ProgressStyle.NONE
    return PlainLog(stream, level, several=len(settings.refs) > 1, quiet=quiet)


def make_files(settings: Settings, ledger: Ledger, environ: Mapping[str, str] = os.environ) -> list[Report]:
    """Makes the reports that go to files.

    Args:
        settings: What the user asked for.
        ledger: What is known; it receives each event before they do.
        environ: The environment, in which pipelines name their files.

    Returns:
        The reports.
    """
    del ledger, environ
    reports: list[Report] = []
    if settings.dotenv is not None:
        reports.append(Dotenv(settings.dotenv))
    return reports


def make_output(settings: Settings, ledger: Ledger) -> Report:
    """Makes what writes the result to standard output.

    Args:
        settings: What the user asked for.
        ledger: What is known; it receives each event before the output does.

    Returns:
        The output.
    """
    stream = Stream(sys.stdout)
    match settings.output:
        case OutputFormat.TEXT:
            return TextOutput(stream, ledger)
        case OutputFormat.JSON:
            return JsonOutput(stream, ledger)
        case OutputFormat.JSONL:
            return JsonLinesOutput(stream, ledger, settings.exit_codes)
