"""Lists of targets in standard input and files: one target a line, or headers written by ``curl -D -``."""

from __future__ import annotations

import os
import re
import select
import sys
from pathlib import Path

from watcher.api.targets import WHITE_SPACE, Target, parse_target, quoted, shown
from watcher.cli.header_blocks import LOCATION_FIELD, begins_with_headers, find_created, missing_import
from watcher.cli.reading import STANDARD_INPUT, Reading
from watcher.core.defaults import EXAMPLE_TARGET
from watcher.core.errors import UsageError
from watcher.core.text import is_utf16, reason_of

_SIZE_LIMIT = 4 << 20
_CHUNK = 1 << 16
_TRAILING_COMMENT = re.compile(r"\s#")
_VERBOSE_LINE = re.compile(r"[*<>] ")


class TargetLists:
    """Read standard input and files of targets, each at most once."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._targets: dict[str, list[Target]] = {}

    def read(self, name: str) -> list[Target]:
        """Return the targets in ``-`` (standard input) or ``@FILE``, which may block.

        Raises:
            UsageError: It cannot be read, names no import, or is too long for a list of targets.
        """
        if name not in self._targets:
            self._targets[name] = []  # after an error it is not read again
            source = STANDARD_INPUT if name == "-" else shown(name[1:])
            types = name == "-" and sys.stdin is not None and sys.stdin.isatty()
            self._reading.begin(source, "Write one target a line, then press Ctrl+D." if types else "")
            content = self._read_standard_input() if name == "-" else self._read_file(name)
            self._targets[name] = parse_target_list(_decode(content, source), source)
        return self._targets[name]

    def _read_standard_input(self) -> bytes:
        if sys.stdin is None:
            raise UsageError(
                "standard input is closed. Pipe the response headers in: curl -sS -D - … | watcher -"
            )
        try:
            return self._read(sys.stdin.fileno(), STANDARD_INPUT)
        except OSError as error:
            raise UsageError(
                f"standard input cannot be read: {reason_of(error)}. "
                "Pipe targets in, or name a file as @FILE."
            ) from None

    def _read_file(self, name: str) -> bytes:
        if not name[1:].strip():
            raise UsageError(f"{name} names no file (is a variable unset?). Name a file of targets as @FILE.")
        try:
            with Path(name[1:]).open("rb", buffering=0) as file:
                return self._read(file.fileno(), name[1:])
        except (OSError, ValueError) as error:
            reason = reason_of(error) if isinstance(error, OSError) else "it is not a path"
            raise UsageError(f"{shown(name)} cannot be read: {reason}. Check the path.") from None

    def _read(self, descriptor: int, source: str) -> bytes:
        """Read until the end, or until the headers of the response that created an import are complete."""
        content, search = bytearray(), _Search(source)
        while len(content) <= _SIZE_LIMIT:
            try:
                chunk = os.read(descriptor, _CHUNK)
            except BlockingIOError:  # another program has changed the mode of its own end
                select.select([descriptor], [], [])
                continue
            if not chunk:
                return bytes(content)
            self._reading.received()
            content += chunk
            # Only a blank line completes headers.
            if _ends_block(content[-len(chunk) - 3 :]) and search.is_over(content):
                return bytes(content)
        raise UsageError(f"{source} is longer than {_SIZE_LIMIT >> 20} MiB. Split it into several runs.")


def created_import(lists: TargetLists) -> str | None:
    """Return a clause about the import that standard input names, for a run that does not watch it."""
    try:
        targets = lists.read("-")
    except UsageError:
        return None
    if not targets:  # its error is being reported
        return None
    first, *others = (str(target.ref) for target in targets)
    more = f" (and {len(others)} more)" if others else ""
    return f"import {first}{more} was created but is not being watched"


def parse_target_list(text: str, source: str) -> list[Target]:
    """Read the targets in a file or in standard input.

    Text that begins with ``HTTP/`` is header blocks of HTTP responses, as written by ``curl -D -``, of which
    the first about a created import counts. Otherwise each line is a target or a ``Location`` field; blank
    lines and lines that begin with ``#`` are skipped.

    Raises:
        UsageError: A line is not a target, or there is none at all.
    """
    text = text.removeprefix("\ufeff")
    if begins_with_headers(text):
        created = find_created(text, source)
        if created is None:
            raise missing_import(text, source)
        return [created]
    _check_is_list(text.strip(), source)
    targets = []
    # Only a line feed ends a line, as in header blocks: an editor shows the others within a comment or a key.
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip(WHITE_SPACE)
        if line and not line.startswith("#"):
            try:
                targets.append(_parse_line(line))
            except UsageError as error:
                raise UsageError(f"{source}, line {number}: {error}") from None
    if not targets:
        is_empty_pipe = source == STANDARD_INPUT and not text.strip()
        problem = "is empty (did the command before the pipe fail?)" if is_empty_pipe else "names no import"
        raise UsageError(f"{source} {problem}. Write one target a line, such as {EXAMPLE_TARGET}.")
    return targets


def _decode(content: bytes, source: str) -> str:
    if is_utf16(content):  # as PowerShell writes it
        raise UsageError(f"{source} is in UTF-16. Convert it to UTF-8.")
    return content.decode("utf-8-sig", errors="replace")


def _check_is_list(text: str, source: str) -> None:
    if "\0" in text or "\ufffd" in text.partition("\n")[0]:
        raise UsageError(f"{source} is not text. Write one target a line, such as {EXAMPLE_TARGET}.")
    if text.startswith(("{", "<")) and not text.startswith("< "):
        raise UsageError(
            f"{source} contains a response body instead of headers: {quoted(text)}. "
            "Print the headers with curl -sS -D - -o /dev/null …"
        )
    if _VERBOSE_LINE.match(text):  # not quoted: it contains the request's headers
        raise UsageError(
            f"{source} contains the output of curl -v. "
            "Print the headers alone with curl -sS -D - -o /dev/null …"
        )


def _parse_line(line: str) -> Target:
    if _TRAILING_COMMENT.search(line):
        raise UsageError(f"{quoted(line)} is not a target. Put the comment on its own line.")
    field = LOCATION_FIELD.fullmatch(line)
    return parse_target(line if field is None else field[1].strip(WHITE_SPACE))


def _ends_block(tail: bytearray) -> bool:
    return b"\n\n" in tail or b"\n\r\n" in tail


class _Search:
    """The search for the response that created an import; it looks at each block once."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._start = 0
        self._has_headers = False
        self._is_list = False

    def is_over(self, content: bytearray) -> bool:
        """Return whether the rest of the input does not matter; call it when a blank line was read."""
        if self._is_list:
            return False
        try:
            text = _decode(bytes(content[self._start :]), self._source)
            if begins_with_headers(text):
                self._has_headers = True
                if find_created(text, self._source) is not None:
                    return True
            elif not "HTTP/".startswith(text.strip()[:5]):  # a body, or a list from its beginning
                self._is_list = not self._has_headers
                return self._has_headers
        except UsageError:  # raised again when all of it is parsed
            return True
        for line_break in (b"\n\n", b"\n\r\n"):
            self._start = max(self._start, content.rfind(line_break, self._start) + len(line_break))
        return False
