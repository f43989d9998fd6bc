"""Reads the command line and the environment, and says in a sentence what cannot be read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from watcher.cli.options import COMMAND
from watcher.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watcher.cli.settings import Options


def parse(arguments: Sequence[str], program: str = "watcher") -> Options | None:
    """Reads the command line and the environment.

    Args:
        arguments: The arguments after the program's name.
        program: The program's name, for the help.

    Returns:
        The options; None after ``--help``, ``--version`` or ``--print-schema``, which have been printed.

    Raises:
        UsageError: An option is unknown, or its value cannot be read.
    """
    try:
        parsed: Options | int = COMMAND.main(
            list(arguments),
            prog_name=program,
            standalone_mode=False,
            # A shell that asks for completions gives no arguments; a variable left over must not end a watch.
            complete_var="" if arguments else None,
        )
    except click.UsageError as error:
        raise UsageError(_sentence(error)) from None
    except OSError as error:
        raise UsageError(f"standard output could not be written: {error.strerror}") from None
    except click.Abort:
        raise KeyboardInterrupt from None
    except SystemExit:  # click's answer to a reader that is gone
        return None
    return None if isinstance(parsed, int) else parsed


def variables() -> frozenset[str]:
    """Lists the environment's variables that are options.

    Returns:
        Their names.
    """
    return frozenset(name for parameter in COMMAND.params for name in _variables_of(parameter))


def _variables_of(parameter: click.Parameter) -> Sequence[str]:
    return [parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar or []


def _sentence(error: click.UsageError) -> str:
    if isinstance(error, click.BadParameter) and error.param is not None:
        giver = _giver(error.param, error.ctx)
        if isinstance(error.param, click.Option) and error.param.is_flag:
            return f"{giver} is a switch; write {giver}=1 or {giver}=0"
        return f"{giver}: {error.message}"
    message = error.format_message().rstrip(".")
    return f"{message[:1].lower()}{message[1:]}{'' if message.endswith('?') else ';'} see --help"


def _giver(parameter: click.Parameter, context: click.Context | None) -> str:
    name = parameter.name or ""
    if context is not None and context.get_parameter_source(name) is ParameterSource.ENVIRONMENT:
        for variable in _variables_of(parameter):
            if os.environ.get(variable):
                return variable
    return parameter.opts[0] if isinstance(parameter, click.Option) else "target"
