"""Lists of targets in standard input and in files, as people, pipelines and ``curl -D -`` write them."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from watcher.api.targets import parse_target, quoted
from watcher.core.errors import UsageError
from watcher.core.statuses import EXAMPLE_TARGET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from watcher.api.targets import Target

_LARGEST = 4 << 20
_HTTP_STATUS_LINE = re.compile(r"HTTP/\d+(?:\.\d+)? +(\d{3})\b.*")
_HINTS = {
    "400": " (the API refused the request; its body says why)",
    "401": " (the API refused the access token of that request)",
    "403": " (the access token of that request may not create imports)",
    "404": " (there is no such segment)",
    "409": " (another import of this environment is not final yet: wait for it, then create this one again)",
    "429": " (the rate limit refused that request)",
}
_COMMENT_BEHIND = re.compile(r"\s#")
_LOCATION_FIELD = re.compile(r"location[ \t]*:[ \t]*(.*)", re.IGNORECASE)


def read_listing(name: str) -> str:
    """Reads a list of targets.

    Args:
        name: ``-`` for standard input, or ``@FILE``.

    Returns:
        Its text.

    Raises:
        UsageError: It cannot be read, or is too long to be a list of targets.
    """
    if name == "-":
        if sys.stdin is None:
            raise UsageError(
                "standard input is closed; pipe the answer's headers in: curl -sS -D - … | watcher -"
            )
        try:
            return _read(sys.stdin.buffer, "standard input")
        except OSError as error:
            raise UsageError(
                f"standard input cannot be read: {error.strerror}; pipe targets in, or name a file as @FILE"
            ) from None
    if not name[1:].strip():
        raise UsageError(f"{name} names no file (is a variable unset?); name a file of targets as @FILE")
    path = Path(name[1:])
    try:
        with path.open("rb") as file:
            return _read(file, name[1:])
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}; name a file of targets as @FILE"
        ) from None


def parse_listing(text: str, source: str) -> list[Target]:
    """Reads the targets in a file or a pipe.

    Text that begins with ``HTTP/`` is the header blocks of HTTP answers, as ``curl -D -`` writes them
    (RFC 9112, 2.1): there only ``Location`` fields count. Else each line is a target or a ``Location`` field.

    Args:
        text: All of it.
        source: What it is called, for the message.

    Returns:
        At least one target, in order.

    Raises:
        UsageError: A line is no target, or there is none at all.
    """
    text = text.removeprefix("\ufeff")
    if text.startswith("HTTP/"):
        return _parse_headers(text, source)
    if text.lstrip().startswith(("{", "<")):
        raise UsageError(
            f"{source} holds the body of an answer instead of its headers: {quoted(text.strip())}; "
            "let curl print the headers: curl -sS -D - -o /dev/null …"
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
        problem = "names no import" if text.strip() else "is empty (did the command that fills it fail?)"
        raise UsageError(f"{source} {problem}; a line of it should be a target such as {EXAMPLE_TARGET}")
    return targets


def _parse_line(line: str) -> Target:
    if _COMMENT_BEHIND.search(line):
        raise UsageError(f"{quoted(line)} is not a target alone; a comment needs a line of its own")
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
            # The place that a redirect leads to is where the import is created, and no import itself.
            if not redirect:
                raise UsageError(f"{source}, Location field: {error}") from None
    if not targets:
        raise UsageError(
            f"{source} names no import: the answer was {quoted(status_line)}{_hint_at(status_line)} without "
            "a Location field; creating an import answers 204 with one"
        )
    return targets


def _hint_at(status_line: str) -> str:
    match = _HTTP_STATUS_LINE.fullmatch(status_line)
    return "" if match is None else _HINTS.get(match[1], "")


def _header_lines(text: str) -> Iterator[tuple[bool, str]]:
    """Yields each line of each header block, and whether its block is a redirect; bodies are passed over."""
    within = redirect = False
    for line in text.split("\n"):
        status = _HTTP_STATUS_LINE.fullmatch(line.rstrip()) if not within else None
        if status is not None:
            within, redirect = True, status[1].startswith("3")
        elif not line.strip():
            within = False
        if within:
            yield redirect, line.rstrip()


def _read(file: BinaryIO, source: str) -> str:
    content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise UsageError(f"{source} is longer than {_LARGEST >> 20} MiB; watch its targets in several runs")
    return content.decode("utf-8", errors="replace")
