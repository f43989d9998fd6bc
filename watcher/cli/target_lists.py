"""Lists of targets in standard input and in files: one a line, or headers written by ``curl -D -``."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from watcher.api.targets import parse_target, quoted
from watcher.core.defaults import EXAMPLE_TARGET
from watcher.core.errors import UsageError
from watcher.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from watcher.api.targets import Target

_SIZE_LIMIT = 4 << 20
_HTTP_STATUS_LINE = re.compile(r"HTTP/\d+(?:\.\d+)? +(\d{3})\b.*")
_NEXT_STEPS = {
    "401": "Check the access token.",
    "403": "Use an access token that may create imports.",
    "404": "Check the keys of project, environment and segment.",
    "409": "Another import of this environment is running; create this one again when it is final.",
    "429": "It was rate limited; create the import again later.",
}
_TRAILING_COMMENT = re.compile(r"\s#")
_LOCATION_FIELD = re.compile(r"location[ \t]*:[ \t]*(.*)", re.IGNORECASE)


class TargetLists:
    """Read standard input and files of targets, each at most once."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def read(self, name: str) -> str:
        """Return the text of ``-`` (standard input) or ``@FILE``.

        Raises:
            UsageError: It cannot be read, or is too long for a list of targets.
        """
        if name not in self._texts:
            self._texts[name] = _read_standard_input() if name == "-" else _read_file(name)
        return self._texts[name]


def created_import(lists: TargetLists) -> str | None:
    """Return a sentence about the import that standard input names, for a run that does not watch it."""
    if sys.stdin is None or sys.stdin.isatty():
        return None
    try:
        first, *others = (str(target.ref) for target in parse_target_list(lists.read("-"), "standard input"))
    except UsageError:
        return None
    more = f" (and {len(others)} more)" if others else ""
    return f"Import {first}{more} was created but is not being watched."


def parse_target_list(text: str, source: str) -> list[Target]:
    """Read the targets in a file or in standard input.

    Text that begins with ``HTTP/`` is header blocks of HTTP responses, as written by ``curl -D -``
    (RFC 9112, 2.1), of which only ``Location`` fields count. Otherwise each line is a target or a
    ``Location`` field; blank lines and lines that begin with ``#`` are skipped.

    Raises:
        UsageError: A line is not a target, or there is none at all.
    """
    text = text.removeprefix("\ufeff")
    if text.startswith("HTTP/"):
        return _parse_headers(text, source)
    if text.lstrip().startswith(("{", "<")):
        raise UsageError(
            f"{source} contains a response body instead of headers: {quoted(text.strip())}. "
            "Print the headers with curl -sS -D - -o /dev/null …"
        )
    targets = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if line and not line.startswith("#"):
            try:
                targets.append(_parse_line(line))
            except UsageError as error:
                raise UsageError(f"{source}, line {number}: {error}") from None
    if not targets:
        problem = "names no import" if text.strip() else "is empty (did the command before the pipe fail?)"
        raise UsageError(f"{source} {problem}. Write one target a line, such as {EXAMPLE_TARGET}.")
    return targets


def _parse_line(line: str) -> Target:
    if _TRAILING_COMMENT.search(line):
        raise UsageError(f"{quoted(line)} is not a target. Put the comment on its own line.")
    field = _LOCATION_FIELD.fullmatch(line)
    return parse_target(line if field is None else field[1].strip())


def _parse_headers(text: str, source: str) -> list[Target]:
    targets = []
    status_line = ""
    for redirect, line in _header_lines(text):
        if line.startswith("HTTP/"):
            status_line = line
            continue
        field = _LOCATION_FIELD.fullmatch(line)
        if field is None:
            continue
        try:
            targets.append(parse_target(field[1].strip()))
        except UsageError as error:
            # A redirect of the creation leads to the collection, which is no import.
            if not redirect:
                raise UsageError(f"{source}, Location field: {error}") from None
    if targets:
        return targets
    match = _HTTP_STATUS_LINE.fullmatch(status_line)
    if match is not None and match[1].startswith("4"):
        next_step = _NEXT_STEPS.get(match[1], "Check the request; the body of the response names the reason.")
        raise UsageError(f"the import was not created: {printable(status_line.strip(), 200)}. {next_step}")
    raise UsageError(
        f"{source} names no import: the response was {quoted(status_line)} without a Location field. "
        "Create the import and pass the headers of that response."
    )


def _header_lines(text: str) -> Iterator[tuple[bool, str]]:
    """Yield each line of each header block, and whether its block is a redirect; skip bodies."""
    in_block = redirect = False
    for line in text.split("\n"):
        status = _HTTP_STATUS_LINE.fullmatch(line.rstrip()) if not in_block else None
        if status is not None:
            in_block, redirect = True, status[1].startswith("3")
        elif not line.strip():
            in_block = False
        if in_block:
            yield redirect, line.rstrip()


def _read_standard_input() -> str:
    if sys.stdin is None:
        raise UsageError(
            "standard input is closed. Pipe the response headers in: curl -sS -D - … | watcher -"
        )
    try:
        return _read(sys.stdin.buffer, "standard input")
    except OSError as error:
        raise UsageError(
            f"standard input cannot be read: {error.strerror}. Pipe targets in, or name a file as @FILE."
        ) from None


def _read_file(name: str) -> str:
    if not name[1:].strip():
        raise UsageError(f"{name} names no file (is a variable unset?). Name a file of targets as @FILE.")
    path = Path(name[1:])
    try:
        with path.open("rb") as file:
            return _read(file, name[1:])
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise UsageError(f"{name} cannot be read: {reason}. Check the path.") from None


def _read(file: BinaryIO, source: str) -> str:
    content = file.read(_SIZE_LIMIT + 1)
    if len(content) > _SIZE_LIMIT:
        raise UsageError(f"{source} is longer than {_SIZE_LIMIT >> 20} MiB. Split it into several runs.")
    return content.decode("utf-8", errors="replace")
