"""Which reports a run has; each is imported where a run has it, for most have few and start sooner so."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from watcher.cli.choices import LogFormat, LogLevel, OutputFormat, Pipeline, ProgressStyle
from watcher.core.messages.progress import Level
from watcher.reports.plain import PlainLog
from watcher.reports.stdout import JsonLinesOutput, JsonOutput, TextOutput
from watcher.reports.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TextIO

    from watcher.cli.settings import Settings
    from watcher.core.events import Ended
    from watcher.reports.live.live import Standing
    from watcher.reports.plain import Log
    from watcher.reports.report import Report
    from watcher.reports.results import ResultBuilder


def make_log(settings: Settings, standing: Standing, environ: Mapping[str, str] = os.environ) -> Log:
    """Makes what tells the events on standard error.

    Args:
        settings: What the user asked for.
        standing: Where an import stands at any moment, for a live view.
        environ: The environment, which describes the terminal.

    Returns:
        The log.
    """
    stream = _stream(settings, sys.stderr)
    level = Level[settings.log_level.name]
    if settings.log_format is LogFormat.JSON:
        from watcher.reports.json_log import JsonLog

        return JsonLog(stream, level, settings.exit_codes)
    several = len(settings.refs) > 1
    lacking = _lacking_for_live(settings, stream, environ)
    wanted = settings.progress is ProgressStyle.LIVE
    if lacking is None and (wanted or _is_live_by_itself(settings)):
        from watcher.reports.live.glyphs import ASCII, UNICODE
        from watcher.reports.live.live import LiveView
        from watcher.reports.live.screen import Screen

        glyphs = UNICODE if speaks_unicode(environ) else ASCII
        return LiveView(Screen(sys.stderr, _call_later), standing, level, glyphs, several=several)
    log = _plain_log(settings, stream, level, several=several)
    if wanted:
        log.say(Level.WARNING, "hint", f"a live view needs {lacking}; progress is plain")
    return log


def make_log_of_changes(settings: Settings, standing: Standing, is_news: Callable[[Ended], bool]) -> Log:
    """Makes what tells single looks that follow each other: changes only, unless progress was asked for.

    Args:
        settings: What the user asked for.
        standing: Where an import stands at any moment.
        is_news: Tells whether an end differs from what the last look told.

    Returns:
        The log.
    """
    from watcher.reports.on_change import LogOfChanges

    if settings.progress in {ProgressStyle.LIVE, ProgressStyle.PLAIN}:
        return make_log(settings, standing)
    if settings.progress is ProgressStyle.AUTO:
        settings = replace(settings, progress=ProgressStyle.PLAIN)
    return LogOfChanges(make_log(settings, standing), is_news)


def _stream(settings: Settings, file: TextIO | None) -> Stream:
    if settings.ci is Pipeline.GITHUB:
        from watcher.reports.github.log import CommandFreeStream

        return CommandFreeStream(file, _call_later)
    return Stream(file, _call_later)


def _plain_log(settings: Settings, stream: Stream, level: Level, *, several: bool) -> Log:
    quiet = settings.progress is ProgressStyle.NONE
    log = PlainLog(stream, level, several=several, quiet=quiet)
    if settings.ci is Pipeline.GITHUB:
        from watcher.reports.github.log import AnnotatingLog

        return AnnotatingLog(log, stream, settings.exit_codes, any_suffices=settings.any_suffices)
    if settings.ci is Pipeline.GITLAB and level <= Level.INFO and not quiet:
        from watcher.reports.gitlab import SectionLog

        return SectionLog(log, stream, several=several)
    return log


def speaks_unicode(environ: Mapping[str, str]) -> bool:
    """Tells whether the terminal shows more than ASCII, by what the locale says of it.

    Python itself replaces the C locale of a process by ``LC_CTYPE=C.UTF-8`` (PEP 538), so this one value says
    nothing of the terminal.

    Args:
        environ: The environment.

    Returns:
        Whether the locale's characters are those of UTF-8 (POSIX.1-2024, 8.2, for the order).
    """
    ctype = environ.get("LC_CTYPE", "")
    chosen = environ.get("LC_ALL") or (ctype if ctype != "C.UTF-8" else "") or environ.get("LANG", "")
    return "UTF8" in chosen.upper().replace("-", "")


def _lacking_for_live(settings: Settings, stream: Stream, environ: Mapping[str, str]) -> str | None:
    if not stream.is_terminal:
        return "a terminal on standard error"
    if environ.get("TERM", "") in {"", "dumb", "unknown"}:
        return "a terminal that can move its cursor, which TERM does not name"
    if settings.output is OutputFormat.JSONL and Stream(sys.stdout).is_terminal:
        return "a terminal that --output jsonl does not write to"
    return None if settings.log_level in {LogLevel.DEBUG, LogLevel.INFO} else "--log-level info"


def _is_live_by_itself(settings: Settings) -> bool:
    return settings.progress is ProgressStyle.AUTO and settings.ci is Pipeline.NONE


def make_files(
    settings: Settings, builder: ResultBuilder, environ: Mapping[str, str] = os.environ
) -> list[Report]:
    """Makes the reports that go to files.

    Args:
        settings: What the user asked for.
        builder: What is known; it receives each event before they do.
        environ: The environment, in which pipelines name their files.

    Returns:
        The reports.
    """
    reports: list[Report] = []
    if settings.dotenv is not None:
        from watcher.reports.dotenv import Dotenv

        reports.append(Dotenv(settings.dotenv))
    if settings.status_file is not None:
        from watcher.reports.status_file import StatusFile

        reports.append(StatusFile(settings.status_file, builder, _call_later))
    if settings.termination_log is not None:
        from watcher.reports.termination_log import TerminationLog

        reports.append(TerminationLog(settings.termination_log, builder, settings.exit_codes))
    if settings.ci is Pipeline.GITHUB:
        from watcher.reports.github.outputs import GithubOutput, GithubSummary

        # Outside of a step these files have no names, and there is nobody to read them.
        if output := environ.get("GITHUB_OUTPUT"):
            reports.append(GithubOutput(Path(output), builder))
        if summary := environ.get("GITHUB_STEP_SUMMARY"):
            reports.append(GithubSummary(Path(summary), builder))
    return reports


def _call_later(delay: float, function: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(delay, function)


def make_output(settings: Settings, builder: ResultBuilder, is_news: Callable[[Ended], bool]) -> Report:
    """Makes what writes the result to standard output.

    Args:
        settings: What the user asked for.
        builder: What is known; it receives each event before the output does.
        is_news: Tells whether an end differs from what the last of several looks told.

    Returns:
        The output.
    """
    stream = _stream(settings, sys.stdout)
    match settings.output:
        case OutputFormat.TEXT if settings.tells_changes:
            from watcher.reports.on_change import TextOfChanges

            return TextOfChanges(stream, builder, is_news)
        case OutputFormat.TEXT:
            return TextOutput(stream, builder)
        case OutputFormat.JSON:
            return JsonOutput(stream, builder)
        case OutputFormat.JSONL:
            return JsonLinesOutput(stream, builder, settings.exit_codes)
