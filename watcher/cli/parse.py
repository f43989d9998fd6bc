"""From argv and the environment to settings."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from watcher.cli.mistakes import unknown_option
from watcher.cli.options import COMMAND, variables_of
from watcher.cli.settings import LogFormat, LogLevel, OutputFormat, Pipeline, ProgressStyle, Settings
from watcher.core.errors import UsageError
from watcher.core.text import reason_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PROGRAM = "watcher"
_COMPLETION_VARIABLE = "_WATCHER_COMPLETE"
KUBERNETES_LOG = Path("/dev/termination-log")


@dataclass(frozen=True, slots=True)
class Parsed:
    """The settings in a command line; if it has an error, those that can be read."""

    settings: Settings
    error: UsageError | None = None


def split_command(arguments: Sequence[str]) -> tuple[list[str], list[str] | None]:
    """Split the arguments at the first ``--``; the command after it is None if there is no ``--``."""
    given = list(arguments)
    if "--" not in given:
        return given, None
    position = given.index("--")
    return given[:position], given[position + 1 :]


def parse(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> Parsed | None:
    """Read the command line, given without ``-- COMMAND``, and the environment.

    Return None after ``--help`` and the like, which have been printed. Only the CI service is detected from
    ``environ``; options are always read from the environment of the process.
    """
    if not arguments and _COMPLETION_VARIABLE in environ:
        from watcher.cli.completion import register  # noqa: PLC0415 (only a shell needs it)

        register()
    try:
        context: click.Context | int = COMMAND.main(
            list(arguments),
            prog_name=_PROGRAM,
            standalone_mode=False,
            # A shell that asks for completions passes no arguments; a leftover variable must not end a watch.
            complete_var="" if arguments else _COMPLETION_VARIABLE,
        )
    except click.UsageError as error:
        settings = _settings(_readable_context(arguments, error), environ)
        if isinstance(error, click.NoSuchOption):
            known = [name for option in COMMAND.params for name in option.opts]
            return Parsed(settings, unknown_option(error.option_name, settings.targets, known))
        return Parsed(settings, UsageError(_sentence(error)))
    except OSError as error:
        return Parsed(Settings(), UsageError(f"standard output cannot be written: {reason_of(error)}"))
    except SystemExit:  # click's reaction to a closed pipe
        return None
    return None if isinstance(context, int) else Parsed(_settings(context, environ))


def _readable_context(arguments: Sequence[str], error: click.UsageError) -> click.Context:
    """Read what can be read of an invalid command line, so that its error is reported as the user asked."""
    name = getattr(error, "option_name", None)  # click stops at an option without its value
    switches = [one for option in COMMAND.params if getattr(option, "is_flag", False) for one in option.opts]

    def is_readable(argument: str) -> bool:
        option, separator, _ = argument.partition("=")
        return option != name and not (separator and option in switches)

    kept = [argument for argument in arguments if is_readable(argument)]
    return COMMAND.make_context(
        _PROGRAM, kept, resilient_parsing=True, ignore_unknown_options=True, allow_extra_args=True
    )


def _settings(context: click.Context, environ: Mapping[str, str]) -> Settings:
    values = {name: value for name, value in context.params.items() if value is not None}
    given = frozenset(
        name
        for name, value in values.items()
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE and value not in ((), False)
    )
    settings = Settings(**values, given=given)
    if "ci" not in values or settings.ci is Pipeline.AUTO:
        settings = replace(settings, ci=_detect_pipeline(environ))
    if "output" not in values and settings.log_format is LogFormat.JSON:
        settings = replace(settings, output=OutputFormat.NONE)  # both streams together are JSON lines
    if settings.quiet or settings.progress is ProgressStyle.NONE:
        settings = replace(settings, progress=ProgressStyle.NONE, log_level=LogLevel.ERROR)
    if settings.termination_log is None and "KUBERNETES_SERVICE_HOST" in environ and KUBERNETES_LOG.exists():
        settings = replace(settings, termination_log=KUBERNETES_LOG)
    return settings


def _detect_pipeline(environ: Mapping[str, str]) -> Pipeline:
    if environ.get("GITHUB_ACTIONS") == "true":
        return Pipeline.GITHUB
    return Pipeline.GITLAB if environ.get("GITLAB_CI") == "true" else Pipeline.NONE


def _sentence(error: click.UsageError) -> str:
    if isinstance(error, click.BadParameter) and error.param is not None:
        source = _source_of(error.param, error.ctx)
        if isinstance(error.param, click.Option) and error.param.is_flag:
            return f"{source} is a switch. Write {source}=1 or {source}=0."
        return f"{source}: {error.message}"
    message = error.format_message().rstrip(".")
    return f"{message[:1].lower()}{message[1:]}{'' if message.endswith('?') else '. See --help.'}"


def _source_of(parameter: click.Parameter, context: click.Context | None) -> str:
    name = parameter.name or ""
    if context is not None and context.get_parameter_source(name) is ParameterSource.ENVIRONMENT:
        for variable in variables_of(parameter):
            if os.environ.get(variable):
                return variable
    return max(parameter.opts, key=len) if isinstance(parameter, click.Option) else "target"
