"""The help: groups, width, and the options that belong to none."""

from __future__ import annotations

import re

import click

from watcher.cli.options import COMMAND

GROUPS = (
    "Which import",
    "When it ends",
    "Several imports",
    "Polling",
    "Output",
    "Files and endpoints",
    "Pipelines",
    "Demo",
    "Help",
)


def help_of(width: int) -> str:
    """Return the help as a terminal of this width shows it."""
    context = click.Context(COMMAND, info_name="watcher", terminal_width=width, **COMMAND.context_settings)
    return COMMAND.get_help(context)


def test_the_groups_begin_with_the_most_useful() -> None:
    """Every option is in exactly one group, and the groups are in the order of their use."""
    lines = help_of(100).splitlines()
    titles = [line.rstrip(":") for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert tuple(titles) == GROUPS
    for option in COMMAND.params:
        if isinstance(option, click.Option):
            rows = [line for line in lines if re.match(rf"  (-\w, )?{option.opts[-1]}( |$)", line)]
            assert len(rows) == 1 or option.name in {"quiet", "help"}, option.opts


def test_no_line_is_wide() -> None:
    """The help fits into 100 columns."""
    assert max(map(len, help_of(100).splitlines())) <= 100


def test_the_short_options() -> None:
    """``-t`` and ``-q`` are the short forms of the two that are used most."""
    assert "-t, --timeout DURATION" in help_of(100)
    assert "-q, --quiet" in help_of(100)
