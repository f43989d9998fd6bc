"""The command line and its environment variables, declared for click."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import click
from click.core import ParameterSource

from watcher.cli.choices import (
    TOKEN_VARIABLES,
    LogFormat,
    LogLevel,
    OutputFormat,
    Pipeline,
    ProgressStyle,
)
from watcher.cli.values import (
    ADDRESS,
    EXIT_CODE,
    GROWTH,
    KEY,
    MAX_IN_STATE,
    PATH,
    STATUS,
    TIME,
    Value,
    one_of,
)
from watcher.core import defaults
from watcher.core.exit_codes import DEFAULT_CODES
from watcher.core.statuses import EXAMPLE_TARGET, UnknownStatusRule
from watcher.core.text import duration
from watcher.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watcher.cli.settings import Options

_Converted = TypeVar("_Converted")


def _flags(name: str, *variables: str) -> tuple[list[str], list[str]]:
    return [f"--{name}"], ["WATCHER_" + name.upper().replace("-", "_"), *variables]


def _option(
    name: str,
    kind: Value[_Converted],
    text: str,
    *,
    variables: Sequence[str] = (),
    multiple: bool = False,
) -> click.Option:
    declarations, envvar = _flags(name, *variables)
    return click.Option(
        declarations, type=kind, envvar=envvar, multiple=multiple, help=text, metavar=kind.name
    )


def _switch(name: str, text: str, parameter: str | None = None) -> click.Option:
    declarations, envvar = _flags(name)
    if parameter is not None:
        declarations.append(parameter)
    return click.Option(declarations, is_flag=True, envvar=envvar, help=text)


def _collect(**_: object) -> Options:
    from watcher.cli.settings import Options  # noqa: PLC0415 (the help needs none)

    context = click.get_current_context()
    given = {name: value for name, value in context.params.items() if value is not None}
    on_command_line = frozenset(
        name
        for name, value in given.items()
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE and value not in ((), False)
    )
    return Options(**given, on_command_line=on_command_line)


def _print_schema(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 (click's signature)
    if value:
        from watcher.reports.schema import json_schema  # noqa: PLC0415 (only here)

        click.echo(json_schema())
        context.exit()


def _read_scenario(text: str) -> str | None:
    """Lets the variable be a switch as those of other options without a value are."""
    switch = {"1": "demo", "true": "demo", "yes": "demo", "0": None, "false": None, "no": None}
    return switch.get(text.lower(), text)


def _complete_scenario(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    from watcher.simulator.scenarios import SCENARIOS  # noqa: PLC0415 (only a shell needs it)

    return [name for name in SCENARIOS if name.startswith(incomplete)]


_EPILOG = f"""\b
Targets:
  {EXAMPLE_TARGET}
  /api/v2/segments/PROJECT/ENVIRONMENT/SEGMENT/imports/ID    as in a Location header
  https://app.launchdarkly.com/api/v2/segments/…             the whole URL
  -                                                          from standard input, as of curl -D -
  @FILE                                                      the same, from a file

\b
Hosts:
  https://app.launchdarkly.com (default), https://app.eu.launchdarkly.com (EU),
  https://app.launchdarkly.us (federal)

\b
Access token, from the first of these that is set:
  --token-file, {", ".join(TOKEN_VARIABLES)}

\b
Exit codes:
  {"  ".join(f"{code} {outcome}" for outcome, code in list(DEFAULT_CODES.items())[:6])}
  {"  ".join(f"{code} {outcome}" for outcome, code in list(DEFAULT_CODES.items())[6:])} (SIGTERM 143)

After --, a command follows that runs in watcher's place when the code is 0.
Every option --foo-bar can be given as WATCHER_FOO_BAR in the environment.
Durations are 90, 90s, 1h30m or 500ms; where a limit is meant, 0 is none.
"""

COMMAND = click.Command(
    "watcher",
    callback=_collect,
    help="Waits for LaunchDarkly big-segment imports to end, and says how they ended with an exit code.",
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[
        click.Argument(
            ["targets"],
            nargs=-1,
            metavar="[TARGET]... [-- COMMAND [ARG]...]",
            type=Value("TARGET", str, "a target"),
        ),
        _option(
            "base-uri",
            Value("URI", str, "a web address"),
            "Where the API is.  [default: https://app.launchdarkly.com]",
            variables=("LD_BASE_URI", "LAUNCHDARKLY_API_HOST"),
        ),
        _option("token-file", PATH, "The access token; read again when the API refuses it."),
        _option("ca-file", PATH, "Further trusted root certificates, as PEM."),
        _option("project", KEY, "With the next three, one target.", variables=("LD_PROJECT",)),
        _option("environment", KEY, "The environment's key.", variables=("LD_ENVIRONMENT",)),
        _option("segment", KEY, "The segment's key."),
        _option("import-id", KEY, "The import's ID."),
        _option("until", STATUS, "Succeed at this status or one past it.  [default: complete]"),
        _option("fail-on", STATUS, "Fail on reaching this status; repeatable.", multiple=True),
        _switch("once", "End at the first usable answer."),
        _switch("any", "End with 0 as soon as one import succeeds.", "any_suffices"),
        _switch("fail-fast", "End as soon as one import fails."),
        _option(
            "unknown-status",
            one_of("wait|fail", UnknownStatusRule),
            "What a status that nobody knows does.  [default: wait]",
        ),
        _option(
            "timeout",
            TIME,
            f"The whole wait.  [default: {duration(defaults.TIMEOUT)}; no limit with --once]",
        ),
        _option("max-in-state", MAX_IN_STATE, "Longest time in a status; repeatable.", multiple=True),
        _option(
            "outage-budget",
            TIME,
            "Longest stretch without a usable answer.  "
            f"[default: {duration(defaults.OUTAGE_BUDGET)}; "
            f"{duration(defaults.ONCE_OUTAGE_BUDGET)} with --once]",
        ),
        _option(
            "appear-within",
            TIME,
            f"How long a new import may be missing.  [default: {duration(defaults.APPEAR_WITHIN)}]",
        ),
        _option(
            "request-timeout",
            TIME,
            f"One request, connect to last byte.  [default: {duration(defaults.REQUEST_TIMEOUT)}]",
        ),
        _option(
            "min-interval", TIME, f"First interval of polls.  [default: {duration(defaults.MIN_INTERVAL)}]"
        ),
        _option("max-interval", TIME, f"Longest interval.  [default: {duration(defaults.MAX_INTERVAL)}]"),
        _option("growth", GROWTH, f"From one interval to the next.  [default: {defaults.GROWTH:g}]"),
        _option("output", one_of("text|json|jsonl", OutputFormat), "Standard output.  [default: text]"),
        _option(
            "progress",
            one_of("auto|live|plain|none", ProgressStyle),
            "How events are shown on standard error.  [default: auto: live on a terminal, else plain]",
        ),
        _option(
            "heartbeat",
            TIME,
            f"Longest silence of plain progress.  [default: {duration(defaults.HEARTBEAT)}]",
        ),
        _option("log-format", one_of("console|json", LogFormat), "Standard error.  [default: console]"),
        _option(
            "log-level",
            one_of("debug|info|warning|error", LogLevel),
            "The least that is told on standard error.  [default: info]",
        ),
        _option("exit-code", EXIT_CODE, "Another exit code for an outcome; repeatable.", multiple=True),
        _option("status-file", PATH, "Keep the JSON result so far there, rewritten at each change."),
        _option("state-file", PATH, "Remember the waits there, so that a later run goes on with them."),
        _option(
            "listen",
            ADDRESS,
            "Serve /healthz, /readyz, /status and /metrics there; 0.0.0.0:PORT where a kubelet probes.",
        ),
        _switch("linger", "With --listen: keep serving after the end, until a signal."),
        _option(
            "termination-log",
            PATH,
            "Write the last message there.  [default: /dev/termination-log in Kubernetes]",
        ),
        _option(
            "ci",
            one_of("auto|github|gitlab|none", Pipeline),
            "Outputs, annotations and summary for GitHub Actions, sections for GitLab.  [default: auto]",
        ),
        _option("dotenv", PATH, "Write outcome, last status and code there, as for GitLab's dotenv reports."),
        click.Option(
            ["--demo"],
            is_flag=False,
            flag_value="demo",
            type=_read_scenario,
            metavar="[=SCENARIO]",
            envvar=["WATCHER_DEMO"],
            shell_complete=_complete_scenario,
            help="Watch an import of the embedded simulator: happy, approval, stopped, stuck, throttled, "
            "flaky, vanish or unknown-status.",
        ),
    ],
)
COMMAND.params.append(
    click.Option(
        ["--print-schema"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_print_schema,
        help="Show the JSON Schema of the result and the events, and exit.",
    )
)
click.version_option(__version__, prog_name="watcher", message="%(prog)s %(version)s")(COMMAND)
