"""Header blocks of HTTP responses, as written by ``curl -D -`` (RFC 9112, section 2.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from watcher.api.targets import WHITE_SPACE, Target, parse_target, quoted, shown
from watcher.core.errors import UsageError

_STATUS_LINE = re.compile(r"HTTP/\d+(?:\.\d+)? +(\d{3})(?: .*)?")
LOCATION_FIELD = re.compile(r"location[ \t]*:[ \t]*(.*)", re.IGNORECASE)
_CREATED = {"201", "204"}
_NEXT_STEPS = {
    "401": "Check the access token.",
    "403": "Use an access token that may create imports.",
    "404": "Check the keys of project, environment and segment.",
    "407": "Check the user name and password of the proxy.",
    "409": "Another import of this environment is running; create this one again when it is final.",
    "429": "It was rate limited; create the import again later.",
}


def begins_with_headers(text: str) -> bool:
    """Return whether text is header blocks instead of a list of targets."""
    return text.lstrip().startswith("HTTP/")


def find_created(text: str, source: str) -> Target | None:
    """Return the import that the first complete block with 201 or 204 names; None if more text may name it.

    Blocks with 1xx, 3xx and 200 are skipped. A proxy responds to CONNECT with 200, and its fields do not come
    from LaunchDarkly.

    Raises:
        UsageError: Another block or a body comes first, or the block names no import. The message quotes the
            HTTP status line.
    """
    skipped = ""
    for block in _blocks(text):
        if not "HTTP/".startswith(block.status_line[:5]):  # a body: what follows is no header block
            raise no_import(skipped, source)
        if not block.is_complete:
            return None
        code = block.code
        if code in _CREATED:
            return _target(block, source)
        if code != "200" and code[:1] not in {"1", "3"}:
            raise _not_created(block, source)
        skipped = block.status_line
    return None


def missing_import(text: str, source: str) -> UsageError:
    """Return the error if text has ended and names no import."""
    last = list(_blocks(text))[-1]
    if not last.is_complete:
        return UsageError(
            f"{source} ends within the response headers: {quoted(last.status_line)}. "
            "Pass all of them, with the blank line after them."
        )
    return no_import(last.status_line, source)


def no_import(status_line: str, source: str) -> UsageError:
    """Return the error if no block is about a created import."""
    return UsageError(
        f"{source} names no import: the response was {quoted(status_line)}. "
        "Create the import and pass the headers of that response."
    )


@dataclass(frozen=True, slots=True)
class _Block:
    status_line: str
    fields: tuple[str, ...]
    is_complete: bool

    @property
    def code(self) -> str:
        match = _STATUS_LINE.fullmatch(self.status_line)
        return "" if match is None else match[1]

    @property
    def locations(self) -> set[str]:
        matches = map(LOCATION_FIELD.fullmatch, self.fields)
        return {match[1].strip(WHITE_SPACE) for match in matches if match is not None}


def _blocks(text: str) -> Iterator[_Block]:
    """Yield each block, the last of which may be incomplete; a body is one as well."""
    lines: list[str] = []
    # Only a line feed ends a line: a carriage return within a field must not begin another one.
    *whole, rest = text.lstrip().split("\n")
    for line in whole:
        if line.rstrip("\r"):
            _append(lines, line.rstrip(WHITE_SPACE))
        elif lines:
            yield _Block(lines[0], tuple(lines[1:]), is_complete=True)
            lines = []
    if rest.rstrip("\r"):
        _append(lines, rest.rstrip(WHITE_SPACE))
        yield _Block(lines[0], tuple(lines[1:]), is_complete=False)
    elif lines:  # a last carriage return without its line feed, which $(…) removes
        yield _Block(lines[0], tuple(lines[1:]), is_complete=bool(rest))


def _append(lines: list[str], line: str) -> None:
    if lines[1:] and not line[:1].strip(WHITE_SPACE):  # a folded field (RFC 9112, section 5.2)
        lines[-1] = f"{lines[-1]} {line.strip(WHITE_SPACE)}"
    else:
        lines.append(line)


def _target(block: _Block, source: str) -> Target:
    locations = block.locations
    if not locations:
        raise UsageError(
            f"{source} names no import: the response was {quoted(block.status_line)} without a Location "
            "field. Create the import and pass the headers of that response."
        )
    if len(locations) > 1:
        raise UsageError(
            f"{source} has different Location fields in one response: {quoted(block.status_line)}. "
            "Check what is between you and LaunchDarkly."
        )
    (location,) = locations
    if not location.startswith("/") and "://" not in location:
        raise UsageError(f"{source}, Location field: {quoted(location)} is not the URL or path of an import.")
    try:
        return parse_target(location)
    except UsageError as error:
        raise UsageError(f"{source}, Location field: {error}") from None


def _not_created(block: _Block, source: str) -> UsageError:
    if not block.code.startswith("4"):
        return no_import(block.status_line, source)
    next_step = _NEXT_STEPS.get(block.code, "Check the request; the body of the response names the reason.")
    return UsageError(f"the import was not created: {shown(block.status_line)}. {next_step}")
