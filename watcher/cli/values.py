"""The types of option values. Each error message shows a correct example."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from watcher.api.targets import WHITE_SPACE, quoted
from watcher.core.statuses import ImportStatus, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from click.shell_completion import CompletionItem

    _ParamType = click.ParamType[object, str]  # generic since click 8.5 only
else:
    _ParamType = click.ParamType

_Member = TypeVar("_Member", bound=StrEnum)

_LARGEST_CODE = 125
_LARGEST_PORT = 65535
_DURATION = re.compile(
    r"(?:(?P<d>\d{1,6})d)?(?:(?P<h>\d{1,6})h)?(?:(?P<m>\d{1,6})m(?!s))?"
    r"(?:(?P<s>\d{1,9}(?:\.\d{1,9})?)s)?(?:(?P<ms>\d{1,9})ms)?",
    re.ASCII,
)
_PLAIN_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


class Value(_ParamType):
    """A value that a function reads, which raises ValueError; commas separate several in the environment.

    ``expected`` describes a correct value with an example. A shell may complete ``words``; None is for paths.
    """

    def __init__(
        self, metavar: str, read: Callable[[str], object], expected: str, words: Collection[str] | None = ()
    ) -> None:
        self.name = metavar
        self._read = read
        self._expected = expected
        self._words = words

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """Read one value."""
        try:
            return self._read(value.strip(WHITE_SPACE))
        except ValueError:
            if not value.strip():
                self.fail(f"it is empty (is a variable unset?). Write {self._expected}.", param, ctx)
            more = ". Repeat the option for each value." if "," in value and param and param.multiple else ""
            self.fail(f"{quoted(value, 80)} is not {self._expected}{more}", param, ctx)

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        """Split the value of a variable at commas, without empty items such as that after a last comma."""
        return [item for item in rv.split(",") if item.strip()] or [""]

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 (the base class's signature)
        param: click.Parameter,  # noqa: ARG002 (likewise)
        incomplete: str,
    ) -> list[CompletionItem]:
        """Return the words that begin with what was typed; the shell completes paths itself."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 (only a shell needs it)

        if self._words is None:
            return [CompletionItem(incomplete, type="file")]
        return [CompletionItem(word) for word in self._words if word.startswith(incomplete)]


def one_of(
    members: type[_Member], metavar: str | None = None, offered: Collection[_Member] | None = None
) -> Value:
    """Return the type of a value that is a member of an enum.

    By default, the help lists all members, and a shell offers all of them.
    """
    words = tuple(members if offered is None else offered)
    return Value(metavar or "|".join(members), members, f"one of {', '.join(members)}", words)


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as ``90``, ``90s``, ``1h30m`` or ``500ms``."""
    text = text.strip()
    if _PLAIN_SECONDS.fullmatch(text):
        return float(text)
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise ValueError(text)
    return sum(float(value) * _SECONDS[unit] for unit, value in match.groupdict(default="0").items())


def _read_max_in_state(text: str) -> tuple[ImportStatus, float]:
    status, _, length = text.partition("=")
    return ImportStatus(status), parse_duration(length)


def _read_exit_code(text: str) -> tuple[Outcome, int]:
    name, _, digits = text.partition("=")
    if name not in set(Outcome) or not (digits.isascii() and digits.isdigit()) or int(digits) > _LARGEST_CODE:
        raise ValueError(text)
    return Outcome(name), int(digits)


def _read_growth(text: str) -> float:
    growth = float(text)
    if not 1 <= growth <= 100:  # noqa: PLR2004 (also false for nan)
        raise ValueError(text)
    return growth


def _read_address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(text)  # an IPv6 address without its brackets
    if not (port.isascii() and port.isdigit()) or int(port) > _LARGEST_PORT:
        raise ValueError(text)
    if not host:
        raise click.BadParameter(
            f"{quoted(text)} has no host. Write 127.0.0.1:{port}, or 0.0.0.0:{port} for other machines."
        )
    return host, int(port)


def _read_path(text: str) -> Path:
    if not text:
        raise ValueError(text)
    return Path(text)


TIME = Value("DURATION", parse_duration, "a duration such as 90, 90s, 1h30m or 500ms")
_PASSING = (ImportStatus.PENDING_APPROVAL, ImportStatus.READY, ImportStatus.IN_PROGRESS)
UNTIL = one_of(ImportStatus, "STATUS", [*_PASSING, ImportStatus.COMPLETE])
FAIL_ON = one_of(ImportStatus, "STATUS", _PASSING)
MAX_IN_STATE = Value(
    "STATUS=DURATION",
    _read_max_in_state,
    f"a status and a duration such as pending_approval=30m (statuses: {', '.join(ImportStatus)})",
    [f"{status}=" for status in (ImportStatus.PREPARING, *_PASSING)],
)
CODE = Value(
    "OUTCOME=CODE",
    _read_exit_code,
    f"an outcome and a code from 0 to 125 such as stopped=10 (outcomes: {', '.join(Outcome)})",
    [f"{outcome}=" for outcome in Outcome],
)
GROWTH = Value("FACTOR", _read_growth, "a factor from 1 to 100 such as 1.5")
PATH = Value("PATH", _read_path, "a path such as /tmp/file", None)
KEY = Value("KEY", str, "a key")
ADDRESS = Value("HOST:PORT", _read_address, "a host and a port such as 127.0.0.1:8080 or [::1]:8080")
