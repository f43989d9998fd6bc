"""Create the reports of a run. Each is imported only if it is used, for a fast start."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from watcher.cli.settings import LogFormat, LogLevel, OutputFormat, Pipeline, ProgressStyle
from watcher.core.messages.progress import Level
from watcher.reports.report import Notice
from watcher.reports.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TextIO

    from watcher.cli.settings import Settings
    from watcher.core.events import Ended
    from watcher.core.model import ImportRef
    from watcher.reports.lines import LineWriter
    from watcher.reports.report import Report
    from watcher.reports.results import ResultBuilder
    from watcher.reports.trouble import Snapshot
    from watcher.state.store import StateStore


def make_reports(
    settings: Settings,
    builder: ResultBuilder,
    *,
    several: bool,
    snapshot: Snapshot,
    store: StateStore | None,
) -> list[Report]:
    """Create all reports. Files come first, because terminal or pipe may block.

    ``builder`` receives each event before the reports do; ``several`` imports make each line name its import.
    A single poll with a state file reports only changes since the last one.
    """
    log: Report
    known = store if settings.once else None
    if known is not None and settings.progress in {ProgressStyle.AUTO, ProgressStyle.NONE}:
        from watcher.reports.on_change import LogOfChanges

        log = LogOfChanges(make_line_log(settings, snapshot, several=several), known.has_changed, known.told)
    else:
        log = make_log(settings, snapshot, several=several)
    files = [*_text_files(settings), *_json_files(settings, builder)]
    return [*files, log, *_output(settings, builder, None if known is None else known.has_changed)]


def make_first_reports(settings: Settings, builder: ResultBuilder) -> list[Report]:
    """Make the reports of a run that does not know its imports yet."""
    return [*_text_files(settings), *_json_files(settings, builder), make_line_log(settings)]


def make_failure_reports(settings: Settings) -> list[Report]:
    """Make the reports of a run that watches nothing."""
    log = make_line_log(settings)
    has_json = settings.output in {OutputFormat.JSON, OutputFormat.JSONL}
    if not has_json and settings.status_file is None and settings.ci is not Pipeline.GITHUB:
        return [*_text_files(settings), log]  # JSON takes a third of the time to load
    from watcher.reports.results import ResultBuilder

    builder = ResultBuilder(settings.exit_codes, any_suffices=settings.any_suffices)
    output = _output(settings, builder) if has_json else []
    return [*_text_files(settings), *_json_files(settings, builder), log, *output]


def no_snapshot(_ref: ImportRef) -> None:
    """Return no snapshot of an import."""


def make_line_log(settings: Settings, snapshot: Snapshot = no_snapshot, *, several: bool = False) -> Report:
    """Make the log on standard error as lines, for people or as JSON."""
    stream, level = _stream(sys.stderr), Level[settings.log_level.name]
    if settings.log_format is LogFormat.JSON:
        from watcher.reports.json_log import JsonLog

        return JsonLog(stream, level, settings.exit_codes)
    from watcher.reports.plain import PlainLog

    lines = _line_writer(settings, stream, level)
    return PlainLog(lines, several=several, snapshot=snapshot, defer=_call_later)


def _line_writer(settings: Settings, stream: Stream, level: Level) -> LineWriter:
    if settings.ci is Pipeline.GITHUB:
        from watcher.reports.github.log import AnnotationWriter

        codes, any_suffices = settings.exit_codes, settings.any_suffices
        return AnnotationWriter(stream, level, codes, any_suffices=any_suffices)
    if settings.ci is Pipeline.GITLAB and level <= Level.INFO:
        from watcher.reports.gitlab import SectionWriter

        return SectionWriter(stream, level)
    from watcher.reports.lines import LineWriter

    return LineWriter(stream, level)


def make_log(
    settings: Settings, snapshot: Snapshot, environ: Mapping[str, str] = os.environ, *, several: bool = False
) -> Report:
    """Make the log on standard error: the live view if the terminal allows it, else lines."""
    missing = None if settings.log_format is LogFormat.JSON else _missing_for_live(settings, environ)
    if settings.log_format is LogFormat.CONSOLE and missing is None and _wants_live(settings, environ):
        from watcher.reports.live.frame import ASCII, UNICODE
        from watcher.reports.live.live import LiveView

        stream, level = _stream(sys.stderr), Level[settings.log_level.name]
        glyphs = UNICODE if is_utf8_locale(environ) else ASCII
        return LiveView(
            stream,
            snapshot,
            level,
            glyphs,
            several=several,
            defer=_call_later,
            result_follows=settings.output is OutputFormat.TEXT and Stream(sys.stdout).is_terminal,
        )
    log = make_line_log(settings, snapshot, several=several)
    if missing is not None and settings.progress is ProgressStyle.LIVE:
        log.notify(Notice(Level.WARNING, "hint", f"the live view needs {missing}. Progress is plain."))
    return log


def is_utf8_locale(environ: Mapping[str, str]) -> bool:
    """Return whether the locale's encoding is UTF-8 (POSIX.1-2024, 8.2, gives the order).

    ``LC_CTYPE=C.UTF-8`` says nothing about the terminal, because Python itself sets it (PEP 538).
    """
    ctype = environ.get("LC_CTYPE", "")
    chosen = environ.get("LC_ALL") or (ctype if ctype != "C.UTF-8" else "") or environ.get("LANG", "")
    return "UTF8" in chosen.upper().replace("-", "")


def _stream(file: TextIO | None) -> Stream:
    return Stream(file, _call_later)


def _wants_live(settings: Settings, environ: Mapping[str, str]) -> bool:
    if settings.progress is ProgressStyle.AUTO:
        return settings.ci is Pipeline.NONE and not environ.get("CI")
    return settings.progress is ProgressStyle.LIVE


def _missing_for_live(settings: Settings, environ: Mapping[str, str]) -> str | None:
    if not Stream(sys.stderr).is_terminal:
        return "a terminal on standard error"
    if environ.get("TERM", "") in {"", "dumb", "unknown"}:
        return "a terminal that can move its cursor (see TERM)"
    if settings.output is OutputFormat.JSONL and Stream(sys.stdout).is_terminal:
        return "a terminal that --output jsonl does not write to"
    return None if settings.log_level in {LogLevel.DEBUG, LogLevel.INFO} else "--log-level info"


def _text_files(settings: Settings) -> list[Report]:
    reports: list[Report] = []
    if settings.dotenv is not None:
        from watcher.reports.dotenv import Dotenv

        reports.append(Dotenv(settings.dotenv))
    if settings.termination_log is not None:
        from watcher.reports.termination_log import TerminationLog

        reports.append(TerminationLog(settings.termination_log, settings.exit_codes))
    return reports


def _json_files(
    settings: Settings, builder: ResultBuilder, environ: Mapping[str, str] = os.environ
) -> list[Report]:
    reports: list[Report] = []
    if settings.status_file is not None:
        from watcher.reports.status_file import StatusFile

        reports.append(StatusFile(settings.status_file, builder, _call_later))
    if settings.ci is Pipeline.GITHUB:
        from watcher.reports.github.outputs import GithubOutput, GithubSummary

        # Outside of a step these files have no names, and nobody reads them.
        if output := environ.get("GITHUB_OUTPUT"):
            reports.append(GithubOutput(Path(output), builder))
        if summary := environ.get("GITHUB_STEP_SUMMARY"):
            reports.append(GithubSummary(Path(summary), builder))
    return reports


def _output(
    settings: Settings, builder: ResultBuilder, has_changed: Callable[[Ended], bool] | None = None
) -> list[Report]:
    from watcher.reports.stdout import JsonLinesOutput, JsonOutput, TextOutput

    stream = _stream(sys.stdout)
    match settings.output:
        case OutputFormat.TEXT:
            return [TextOutput(stream, builder, has_changed)]
        case OutputFormat.JSON:
            return [JsonOutput(stream, builder)]
        case OutputFormat.JSONL:
            return [JsonLinesOutput(stream, builder)]
        case OutputFormat.NONE:
            return []


def _call_later(delay: float, function: Callable[[], None]) -> None:
    import asyncio

    with suppress(RuntimeError):  # no loop: the run has no watch, and its reports are drained at the end
        asyncio.get_running_loop().call_later(delay, function)
