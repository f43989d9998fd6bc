"""The options and their environment variables, declared for click."""

from __future__ import annotations

from collections.abc import Sequence

import click

from watcher.cli.help import BASE_URI_VARIABLES, GroupedCommand
from watcher.cli.settings import LogFormat, LogLevel, OutputFormat, Pipeline, ProgressStyle
from watcher.cli.values import (
    ADDRESS,
    CODE,
    FAIL_ON,
    GROWTH,
    KEY,
    MAX_IN_STATE,
    PATH,
    TIME,
    UNTIL,
    Value,
    one_of,
)
from watcher.core import defaults
from watcher.core.statuses import UnknownStatusRule
from watcher.core.text import duration
from watcher.version import __version__


def _option(
    name: str, kind: Value, text: str, *variables: str, short: str = "", multiple: bool = False
) -> click.Option:
    return click.Option(
        [short, f"--{name}"] if short else [f"--{name}"],
        type=kind,
        envvar=[_variable(name), *variables],
        multiple=multiple,
        help=text,
        metavar=kind.name,
    )


def _switch(name: str, text: str, *declarations: str) -> click.Option:
    return click.Option([f"--{name}", *declarations], is_flag=True, envvar=[_variable(name)], help=text)


def _variable(name: str) -> str:
    return "WATCHER_" + name.upper().replace("-", "_")


def variables() -> frozenset[str]:
    """Return the names of the environment variables that set options."""
    return frozenset(name for parameter in COMMAND.params for name in variables_of(parameter))


def variables_of(parameter: click.Parameter) -> Sequence[str]:
    """Return the environment variables that set an option, the first one with precedence."""
    return [parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar or []


def _print_schema(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 (click's signature)
    if value and not context.resilient_parsing:
        from watcher.reports.documents import json_schema  # noqa: PLC0415 (only here)

        click.echo(json_schema())
        context.exit()


def _read_scenario(text: str) -> str | None:
    """Accept the values of a switch too, because the variable of an option without a value is one."""
    switch = {"1": "demo", "true": "demo", "yes": "demo", "0": None, "false": None, "no": None}
    return switch.get(text.lower(), text)


def _complete_target(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from watcher.cli.completion import complete_target  # noqa: PLC0415 (only a shell needs it)

    return complete_target(context, parameter, incomplete)


def _complete_scenario(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    from watcher.simulator.scenarios import SCENARIOS  # noqa: PLC0415 (only a shell needs it)

    return [name for name in SCENARIOS if name.startswith(incomplete)]


COMMAND = GroupedCommand(
    "watcher",
    "Wait until LaunchDarkly big-segment imports are final, and exit with a code for the outcome.",
    click.Argument(
        ["targets"],
        nargs=-1,
        metavar="[TARGET]... [-- COMMAND [ARG]...]",
        type=Value("TARGET", str, "a target"),
        shell_complete=_complete_target,
    ),
    {
        "Which import": [
            _option("project", KEY, "Project key.", "LD_PROJECT"),
            _option("environment", KEY, "Environment key.", "LD_ENVIRONMENT"),
            _option("segment", KEY, "Segment key."),
            _option("import-id", KEY, "Import ID. Use it with the three keys above instead of TARGET."),
            _option("token-file", PATH, "File with the access token; read again after a 401."),
            _option(
                "base-uri",
                Value("URI", str, "a URL"),
                "The API's scheme and host.  [default: https://app.launchdarkly.com]",
                *BASE_URI_VARIABLES[1:],
            ),
            _option("ca-file", PATH, "Additional trusted root certificates (PEM)."),
        ],
        "When it ends": [
            _option("until", UNTIL, "Succeed at this status or one past it.  [default: complete]"),
            _option("fail-on", FAIL_ON, "Fail at this status; repeatable.", multiple=True),
            _option(
                "timeout",
                TIME,
                f"Limit of the whole wait.  [default: {duration(defaults.TIMEOUT)}; no limit with --once]",
                short="-t",
            ),
            _option(
                "max-in-state", MAX_IN_STATE, "Limit of the time in one status; repeatable.", multiple=True
            ),
            _switch("once", "Poll once: exit at the first usable response."),
            _option(
                "appear-within",
                TIME,
                f"How long a new import may be missing (404).  [default: {duration(defaults.APPEAR_WITHIN)}]",
            ),
            _option(
                "outage-budget",
                TIME,
                "Limit of the time without a usable response.  "
                f"[default: {duration(defaults.OUTAGE_BUDGET)}; "
                f"{duration(defaults.ONCE_OUTAGE_BUDGET)} with --once]",
            ),
            _option(
                "unknown-status",
                one_of(UnknownStatusRule),
                "How to handle an unknown status.  [default: wait]",
            ),
        ],
        "Several imports": [
            _switch("any", "End with 0 as soon as one import succeeds.", "any_suffices"),
            _switch("fail-fast", "End as soon as one import fails."),
        ],
        "Polling": [
            _option(
                "min-interval",
                TIME,
                f"First polling interval.  [default: {duration(defaults.MIN_INTERVAL)}]",
            ),
            _option(
                "max-interval",
                TIME,
                f"Longest polling interval.  [default: {duration(defaults.MAX_INTERVAL)}]",
            ),
            _option(
                "growth", GROWTH, f"Factor from one interval to the next.  [default: {defaults.GROWTH:g}]"
            ),
            _option(
                "request-timeout",
                TIME,
                "Limit of one request, connect to last byte.  "
                f"[default: {duration(defaults.REQUEST_TIMEOUT)}]",
            ),
        ],
        "Output": [
            _switch("quiet", "The same as --progress none: standard error shows only failures.", "-q"),
            _option(
                "output",
                one_of(OutputFormat),
                "Format of standard output.  [default: text; none with --log-format json]",
            ),
            _option(
                "progress",
                one_of(ProgressStyle),
                "Progress on standard error.  "
                "[default: auto: live on a terminal unless CI is set, else plain]",
            ),
            _option(
                "heartbeat",
                TIME,
                f"Longest time without a line of plain progress.  [default: {duration(defaults.HEARTBEAT)}]",
            ),
            _option("log-format", one_of(LogFormat), "Format of standard error.  [default: console]"),
            _option("log-level", one_of(LogLevel), "Minimum log level on standard error.  [default: info]"),
        ],
        "Files and endpoints": [
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
        ],
        "Pipelines": [
            _option("exit-code", CODE, "Change the exit code of an outcome; repeatable.", multiple=True),
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
        ],
        "Demo": [
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
        ],
    },
)
COMMAND.params.append(
    click.Option(
        ["--print-schema"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_print_schema,
        help="Print the JSON Schema of the result and the events, and exit.",
    )
)
click.version_option(__version__, prog_name="watcher", message="%(prog)s %(version)s")(COMMAND)
