"""The kinds of values that options take, read for click with messages that show a right example."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from watcher.cli.durations import parse_duration
from watcher.core.statuses import ImportStatus, Outcome
from watcher.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from click.shell_completion import CompletionItem

    from watcher.api.network import Address

_Converted = TypeVar("_Converted")
_Member = TypeVar("_Member", bound=StrEnum)
_LARGEST_CODE = 125
_LARGEST_PORT = 65535
FIXED_OUTCOMES = frozenset({Outcome.USAGE, Outcome.INTERNAL})
_REMAPPABLE = tuple(outcome for outcome in Outcome if outcome not in FIXED_OUTCOMES)
_DURATION = "a duration such as 90, 90s, 1h30m or 500ms"


class Value(click.ParamType[_Converted, str]):
    """A value that a function of ours reads; in the environment, several are separated by commas.

    Args:
        metavar: How the help shows it.
        read: Turns text into the value, or raises ValueError.
        right: What is right, with an example.
        words: What a shell may complete.
    """

    envvar_list_splitter = ","

    def __init__(
        self, metavar: str, read: Callable[[str], _Converted], right: str, words: Collection[str] = ()
    ) -> None:
        self.name = metavar
        self._read = read
        self._right = right
        self._words = words

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> _Converted:
        """Reads one value."""
        try:
            return self._read(value.strip())
        except ValueError:
            if not value.strip():
                self.fail(f"it is empty (is a variable unset?), and should be {self._right}", param, ctx)
            more = "; give the option once for each" if "," in value and param and param.multiple else ""
            self.fail(f"'{printable(value, 80)}' is not {self._right}{more}", param, ctx)

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 (the base class's signature)
        param: click.Parameter,  # noqa: ARG002 (likewise)
        incomplete: str,
    ) -> list[CompletionItem]:
        """Completes the words that begin so."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 (only a shell needs it)

        return [CompletionItem(word) for word in self._words if word.startswith(incomplete)]


class PathValue(Value[Path]):
    """A path, which the shell completes itself."""

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 (the base class's signature)
        param: click.Parameter,  # noqa: ARG002 (likewise)
        incomplete: str,
    ) -> list[CompletionItem]:
        """Leaves it to the shell."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 (only a shell needs it)

        return [CompletionItem(incomplete, type="file")]


def one_of(metavar: str, members: type[_Member]) -> Value[_Member]:
    """Makes the kind of a value that is a member of an enum.

    Args:
        metavar: How the help shows it.
        members: The enum.

    Returns:
        The kind.
    """
    return Value(metavar, members, f"one of {', '.join(members)}", tuple(members))


def _read_max_in_state(text: str) -> tuple[ImportStatus, float]:
    status, _, length = text.partition("=")
    return ImportStatus(status), parse_duration(length)


def _read_exit_code(text: str) -> tuple[Outcome, int]:
    name, _, digits = text.partition("=")
    outcome = Outcome(name)
    if (
        outcome in FIXED_OUTCOMES
        or not (digits.isascii() and digits.isdigit())
        or int(digits) > _LARGEST_CODE
    ):
        raise ValueError(text)
    return outcome, int(digits)


def _read_growth(text: str) -> float:
    growth = float(text)
    if not 1 <= growth <= 100:  # noqa: PLR2004 (also refuses what is no number)
        raise ValueError(text)
    return growth


def _read_address(text: str) -> Address:
    from watcher.api.network import Address  # noqa: PLC0415 (the help needs none)

    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(text)  # an IPv6 address without its brackets
    if not host or not (port.isascii() and port.isdigit()) or int(port) > _LARGEST_PORT:
        raise ValueError(text)
    return Address(host, int(port))


def _read_path(text: str) -> Path:
    if not text:
        raise ValueError(text)
    return Path(text)


TIME = Value("DURATION", parse_duration, _DURATION)
STATUS = one_of("STATUS", ImportStatus)
MAX_IN_STATE = Value(
    "STATUS=DURATION",
    _read_max_in_state,
    "a status and a duration such as pending_approval=30m; the statuses are " + ", ".join(ImportStatus),
    [f"{status}=" for status in ImportStatus],
)
EXIT_CODE = Value(
    "OUTCOME=CODE",
    _read_exit_code,
    "an outcome and a code from 0 to 125 such as stopped=10; the outcomes are " + ", ".join(_REMAPPABLE),
    [f"{outcome}=" for outcome in _REMAPPABLE],
)
GROWTH = Value("FACTOR", _read_growth, "a factor from 1 to 100 such as 1.5")
PATH = PathValue("PATH", _read_path, "a path such as /tmp/file")
KEY = Value("KEY", str, "a key")
ADDRESS = Value("HOST:PORT", _read_address, "a host and a port such as 127.0.0.1:8080 or [::1]:8080")
