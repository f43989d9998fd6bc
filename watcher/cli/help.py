"""The help text: options in groups, then targets, hosts, the access token and exit codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from watcher.core.defaults import EXAMPLE_TARGET
from watcher.core.exit_codes import DEFAULT_CODES

TOKEN_VARIABLES = ("LD_ACCESS_TOKEN", "LAUNCHDARKLY_ACCESS_TOKEN", "LD_API_KEY")
BASE_URI_VARIABLES = ("WATCHER_BASE_URI", "LD_BASE_URI", "LAUNCHDARKLY_API_HOST")


class GroupedCommand(click.Command):
    """A command whose help shows the options in groups, those that click adds last."""

    def __init__(
        self, name: str, summary: str, argument: click.Argument, groups: Mapping[str, Sequence[click.Option]]
    ) -> None:
        super().__init__(
            name,
            callback=_return_context,
            help=summary,
            epilog=_EPILOG,
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
            params=[argument, *(option for options in groups.values() for option in options)],
        )
        self._groups = groups

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of each group."""
        for title, options in self._groups.items():
            self._write(ctx, formatter, title, options)
        grouped = [option for options in self._groups.values() for option in options]
        others = [option for option in self.get_params(ctx) if option not in grouped]
        self._write(ctx, formatter, "Help", [option for option in others if isinstance(option, click.Option)])

    @staticmethod
    def _write(
        ctx: click.Context, formatter: click.HelpFormatter, title: str, options: Sequence[click.Option]
    ) -> None:
        records = [option.get_help_record(ctx) for option in options]
        with formatter.section(title):
            formatter.write_dl([record for record in records if record is not None])


def _return_context(**_: object) -> click.Context:
    return click.get_current_context()


_EPILOG = f"""\b
Targets:
  {EXAMPLE_TARGET}
  /api/v2/segments/PROJECT/ENVIRONMENT/SEGMENT/imports/ID    as in a Location header
  https://app.launchdarkly.com/api/v2/segments/…             the whole URL
  -          response headers on standard input, as written by curl -D -, or one target a line
  @FILE      the same, from a file

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
Durations are 90, 90s, 1h30m or 500ms; a limit of 0 means no limit,
except that --appear-within 0 accepts no 404.
"""
