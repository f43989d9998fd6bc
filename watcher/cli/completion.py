"""Shell completion that click lacks: values after ``=``, and ``@FILE``."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)

_QUOTED_BY_BASH = re.compile(r"[^\w./@%+=:,~-]|^~|^@~")


def register() -> None:
    """Use the classes of this module for bash, zsh and fish."""
    for shell in (_Bash, _Zsh, _Fish):
        add_completion_class(shell)


def complete_target(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the files that ``@FILE`` can name; other targets are unknown."""
    if not incomplete.startswith("@"):
        return []
    return [f"@{path}" for path in _paths(incomplete[1:])]


def _paths(start: str) -> list[str]:
    folder, name = os.path.split(start)
    try:
        entries = sorted(Path(folder or ".").iterdir())
    except OSError:
        return []
    return [
        os.path.join(folder, entry.name) + ("/" if entry.is_dir() else "")  # noqa: PTH118 (keeps a leading ./)
        for entry in entries
        if entry.name.startswith(name)
        and (name or not entry.name.startswith("."))
        and entry.name.isprintable()  # a line break would begin another offer
    ]


class _Bash(BashComplete):
    """Bash splits words at ``=`` and ``@``, and replaces only the part after them, without quoting."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """Leave out names that would be more than one word, a pattern or a command."""
        offers = super().get_completions(args, incomplete)
        return [offer for offer in offers if offer.type != "plain" or not _QUOTED_BY_BASH.search(offer.value)]

    def get_completion_args(self) -> tuple[list[str], str]:
        args, incomplete = super().get_completion_args()
        if args[-1:] == ["="] and incomplete != "=":
            args.pop()
        elif args[-1:] == ["@"]:
            args.pop()
            incomplete = f"@{incomplete}"
        return args, incomplete

    def format_completion(self, item: CompletionItem[str]) -> str:
        if item.type == "plain":
            item = CompletionItem(item.value.removeprefix("@"))
        return super().format_completion(item)


class _WholeWords(ShellComplete):
    """Zsh and fish replace the whole word, ``--option=`` included."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        found = super().get_completions(args, incomplete)
        option, equals, value = incomplete.partition("=")
        if not equals or not option.startswith("--"):
            return found
        if [item.type for item in found] == ["file"]:
            found = [CompletionItem(path) for path in _paths(value)]
        return [CompletionItem(f"{option}={item.value}", item.type, item.help) for item in found]


class _Zsh(_WholeWords, ZshComplete):
    pass


class _Fish(_WholeWords, FishComplete):
    # Click's script cuts values and descriptions at their first comma.
    source_template = FishComplete.source_template.replace('string split ","', 'string split --max 1 ","')
