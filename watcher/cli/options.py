"""The options and their environment variables, declared for click."""

from __future__ import annotations

import click

from watcher.cli.settings import LogFormat, LogLevel, OutputFormat, Pipeline, ProgressStyle
from watcher.cli.values import ADDRESS, CODE, GROWTH, KEY, MAX_IN_STATE, PATH, STATUS, TIME, Value, one_of
from watcher.core import defaults
from watcher.core.defaults import EXAMPLE_TARGET
from watcher.core.exit_codes import DEFAULT_CODES
from watcher.core.statuses import UnknownStatusRule
from watcher.core.text import duration
from watcher.version import __version__

TOKEN_VARIABLES = ("LD_ACCESS_TOKEN", "LAUNCHDARKLY_ACCESS_TOKEN", "LD_API_KEY")
BASE_URI_VARIABLES = ("WATCHER_BASE_URI", "LD_BASE_URI", "LAUNCHDARKLY_API_HOST")


def _option(name: str, kind: Value, text: str, *variables: str, multiple: bool = False) -> click.Option:
    return click.Option(
        [f"--{name}"],
        type=kind,
        envvar=[_variable(name), *variables],
        multiple=multiple,
        help=text,
        metavar=kind.name,
    )


def _switch(name: str, text: str, parameter: str | None = None) -> click.Option:
    declarations = [f"--{name}"] if parameter is None else [f"--{name}", parameter]
    return click.Option(declarations, is_flag=True, envvar=[_variable(name)], help=text)


def _variable(name: str) -> str:
    return "WATCHER_" + name.upper().replace("-", "_")


def _return_context(**_: object) -> click.Context:
    return click.get_current_context()


def _print_schema(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 (click's signature)
    if value and not context.resilient_parsing:
        from watcher.reports.documents import json_schema  # noqa: PLC0415 (only here)

        click.echo(json_schema())
        context.exit()


def _read_scenario(text: str) -> str | None:
    """Accept the values of a switch too, because the variable of an option without a value is one."""
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
  -                                                          from standard input, as written by curl -D -
  @FILE                                                      the same, from a file

\b
Hosts:
  https://app.launchdarkly.com (default), https://app.eu.launchdarkly.com (EU),
  https://app.launchdarkly.us (federal)

\b
Access token, the first of these that is set:
  --token-file, {", ".join(TOKEN_VARIABLES)}

\b
Exit codes:
  {"  ".join(f"{code} {outcome}" for outcome, code in list(DEFAULT_CODES.items())[:6])}
  {"  ".join(f"{code} {outcome}" for outcome, code in list(DEFAULT_CODES.items())[6:])}
  (interrupted by SIGHUP 129, by SIGTERM 143)

A command after -- runs in watcher's place if the exit code is 0.
Every option --foo-bar can be set as WATCHER_FOO_BAR in the environment.
Durations are 90, 90s, 1h30m or 500ms; a limit of 0 means no limit.
"""

COMMAND = click.Command(
    "watcher",
    callback=_return_context,
    help="Wait until LaunchDarkly big-segment imports are final, and exit with a code for the outcome.",
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
            Value("URI", str, "a URL"),
            "The API's scheme and host.  [default: https://app.launchdarkly.com]",
            *BASE_URI_VARIABLES[1:],
        ),
        _option("token-file", PATH, "File with the access token; read again after a 401."),
        _option("ca-file", PATH, "Additional trusted root certificates (PEM)."),
        _option("project", KEY, "Project key.", "LD_PROJECT"),
        _option("environment", KEY, "Environment key.", "LD_ENVIRONMENT"),
        _option("segment", KEY, "Segment key."),
        _option("import-id", KEY, "Import ID. Use it with the three keys above instead of TARGET."),
        _option("until", STATUS, "Succeed at this status or one past it.  [default: complete]"),
        _option("fail-on", STATUS, "Fail at this status; repeatable.", multiple=True),
        _switch("once", "Poll once: exit at the first usable response."),
        _switch("any", "End with 0 as soon as one import succeeds.", "any_suffices"),
        _switch("fail-fast", "End as soon as one import fails."),
        _option(
            "unknown-status", one_of(UnknownStatusRule), "How to handle an unknown status.  [default: wait]"
        ),
        _option(
            "timeout",
            TIME,
            f"Limit of the whole wait.  [default: {duration(defaults.TIMEOUT)}; no limit with --once]",
        ),
        _option("max-in-state", MAX_IN_STATE, "Limit of the time in one status; repeatable.", multiple=True),
        _option(
            "outage-budget",
            TIME,
            "Limit of the time without a usable response.  "
            f"[default: {duration(defaults.OUTAGE_BUDGET)}; "
            f"{duration(defaults.ONCE_OUTAGE_BUDGET)} with --once]",
        ),
        _option(
            "appear-within",
            TIME,
            f"How long a new import may be missing (404).  [default: {duration(defaults.APPEAR_WITHIN)}]",
        ),
        _option(
            "request-timeout",
            TIME,
            f"Limit of one request, connect to last byte.  [default: {duration(defaults.REQUEST_TIMEOUT)}]",
        ),
        _option(
            "min-interval", TIME, f"First polling interval.  [default: {duration(defaults.MIN_INTERVAL)}]"
        ),
        _option(
            "max-interval", TIME, f"Longest polling interval.  [default: {duration(defaults.MAX_INTERVAL)}]"
        ),
        _option("growth", GROWTH, f"Factor from one interval to the next.  [default: {defaults.GROWTH:g}]"),
        _option(
            "output",
            one_of(OutputFormat),
            "Format of standard output.  [default: text; none with --log-format json]",
        ),
        _option(
            "progress",
            one_of(ProgressStyle),
            "Progress on standard error.  [default: auto: live on a terminal unless CI is set, else plain]",
        ),
        click.Option(
            ["-q", "--quiet"],
            is_flag=True,
            envvar=[_variable("quiet")],
            help="The same as --progress none: standard error shows only failures.",
        ),
        _option(
            "heartbeat",
            TIME,
            f"Longest time without a line of plain progress.  [default: {duration(defaults.HEARTBEAT)}]",
        ),
        _option("log-format", one_of(LogFormat), "Format of standard error.  [default: console]"),
        _option("log-level", one_of(LogLevel), "Minimum log level on standard error.  [default: info]"),
        _option("exit-code", CODE, "Change the exit code of an outcome; repeatable.", multiple=True),
        _option("status-file", PATH, "Write the JSON result so far to this file at each change."),
        _option("state-file", PATH, "Save the waits to this file, so that a later run continues them."),
        _option(
            "listen",
            ADDRESS,
            "Serve /healthz, /readyz, /status and /metrics; use 0.0.0.0:PORT for a kubelet.",
        ),
        _switch("linger", "With --listen: keep serving after the end until a signal."),
        _option(
            "termination-log",
            PATH,
            "Write the final message to this file.  [default: /dev/termination-log in Kubernetes]",
        ),
        _option(
            "ci",
            one_of(Pipeline),
            "Report to this CI service: outputs, annotations, summary or sections.  [default: auto]",
        ),
        _option(
            "dotenv",
            PATH,
            "Write outcome, last status and exit code to this file, as GitLab's dotenv reports.",
        ),
        click.Option(
            ["--demo"],
            is_flag=False,
            flag_value="demo",
            type=_read_scenario,
            metavar="[=SCENARIO]",
            envvar=["WATCHER_DEMO"],
            shell_complete=_complete_scenario,
            help="Watch an import of the embedded simulator. Scenarios: happy, approval, stopped, stuck, "
            "throttled, flaky, gateway, vanish, unknown-status.",
        ),
        click.Option(
            ["--print-schema"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_schema,
            help="Print the JSON Schema of the result and the events, and exit.",
        ),
    ],
)
click.version_option(__version__, prog_name="watcher", message="%(prog)s %(version)s")(COMMAND)
