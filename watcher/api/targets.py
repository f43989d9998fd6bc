"""Targets: texts that name an import, and the base URI that they imply."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from watcher.api.hosts import DEFAULT_BASE_URI, LAUNCHDARKLY_ORIGINS, is_loopback, origin_of
from watcher.core.defaults import EXAMPLE_TARGET
from watcher.core.errors import UsageError
from watcher.core.model import ImportRef
from watcher.core.text import printable, redact

WHITE_SPACE = " \t\r\n"
"""Characters stripped from user input; other white space at either end of a target is refused."""

_KEY_NAMES = ("project key", "environment key", "segment key", "import ID")
_IMPORT_PATH = re.compile(r"/api/v2/segments/([^/]*)/([^/]*)/([^/]*)/imports/([^/]+)/?")
_UNNAMED_PATH = re.compile(r"/api/v2/segments/[^/]+/[^/]+/[^/]+(?:/imports)?/?")
_PAGE_OF_SEGMENT = re.compile(r"(?:/projects/[^/]+|/[^/]+/[^/]+)/segments/[^/]+")
_IMPORT_ID = re.compile(r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}|[0-9a-f]{24}", re.IGNORECASE)
_EXAMPLE_PATH = "/api/v2/segments/default/production/big-spenders/imports/1234a567-…"


@dataclass(frozen=True, slots=True)
class Target:
    """One import as the user named it, and its scheme and host if that was a URL."""

    ref: ImportRef
    origin: str | None = None


def target_of(named: ImportRef | str) -> Target:
    """Return the target that a program names by reference, or by text for ``parse_target``.

    Raises:
        UsageError: The text names no import, or a key would change the path of the request.
    """
    if isinstance(named, str):
        return parse_target(named.strip(WHITE_SPACE))
    if not isinstance(named, ImportRef):
        raise UsageError(f"an import must be an ImportRef or a str, not {type(named).__name__}.")
    if not all(isinstance(key, str) for key in named.keys):
        raise UsageError(f"the keys of an import must be of type str: {quoted(repr(named))}")
    return Target(checked_ref(*named.keys, source="/".join(named.keys)))


def parse_target(text: str) -> Target:
    """Return the target that four keys, an API path or an API URL name; a trailing slash is ignored.

    Keys are literal; paths and URLs are percent-decoded once.

    Raises:
        UsageError: The text names no import, or a key would change the path of the request.
    """
    if not text.strip():
        raise UsageError(f"target is empty (is a variable unset?). Write for example {EXAMPLE_TARGET}.")
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`":
        raise UsageError(f"target is in quotes: {quoted(text)}. Remove them.")
    if redact(unquote(text.strip())) == "***":
        raise UsageError(
            f"target looks like an access token. Name the import instead, such as {EXAMPLE_TARGET}."
        )
    if text.strip() != text.strip(WHITE_SPACE):
        raise UsageError(f"target begins or ends with an invisible character: {quoted(text)}. Remove it.")
    _check_not_a_page(text)
    if "://" in text:
        origin = origin_of(text, "target", DEFAULT_BASE_URI + _EXAMPLE_PATH)
        _, slash, path = text.partition("://")[2].partition("/")
        return Target(_parse_path(slash + path, text), origin)
    if text.startswith("/"):
        return Target(_parse_path(text, text))
    if _is_launchdarkly_host(text.partition("/")[0]):
        raise UsageError(f"target has no scheme: {quoted(text)}. Write https:// before it.")
    return Target(_parse_keys(text))


def choose_base_uri(
    given: str | None, targets: Iterable[Target], setting: str, source: str | None = None
) -> str:
    """Return the given base URI, else the LaunchDarkly host of the targets, else the default.

    The access token is sent there, so a target alone selects no host but LaunchDarkly's own.

    Raises:
        UsageError: A target is on another host. The message names ``setting``, the setting for base URIs, and
            ``source``, if ``given`` came from elsewhere.
    """
    origins = {target.origin for target in targets if target.origin is not None}
    if given is None and origins and origins <= LAUNCHDARKLY_ORIGINS:
        if len(origins) > 1:
            raise UsageError(
                f"targets are on different hosts: {', '.join(sorted(origins))}. Watch them separately."
            )
        return origins.pop()
    base_uri = given or DEFAULT_BASE_URI
    origins.discard(base_uri)
    if origins:
        other = min(origins)
        advice = f"If that host is right, add {setting} {other}."
        if other.startswith("http://") and not is_loopback(other):
            advice = f"Plain http would expose it: write {other.replace('http', 'https', 1)}."
        configured = base_uri if source is None else f"{base_uri} (from {source})"
        raise UsageError(f"target is on {other}, but the access token is sent only to {configured}. {advice}")
    return base_uri


def checked_ref(*keys: str, source: str) -> ImportRef:
    """Return a reference to the import that four literal keys name.

    Raises:
        UsageError: A key would change the path of the request; the message quotes ``source``.
    """
    for name, key in zip(_KEY_NAMES, keys, strict=True):
        problem = _problem_with(key)
        if problem is not None:
            advice = "Write project/environment/segment/import-id."
            raise UsageError(f"the target's {name} {problem}: {quoted(source)}. {advice}")
    return ImportRef(*keys)


def shown(text: str, limit: int = 200) -> str:
    """Return text that a user gave as messages show it: at most ``limit`` characters, without tokens."""
    return printable(text, limit)


def quoted(text: str, limit: int = 200) -> str:
    """Return text that a user gave as messages quote it; see ``shown``."""
    return f"'{shown(text, limit)}'"


def _check_not_a_page(text: str) -> None:
    """Raise UsageError if text is the address of a page of LaunchDarkly's web application."""
    scheme, separator, rest = text.partition("://")
    host, slash, path = (rest if separator else scheme).partition("/")
    path = re.split("[?#]", slash + path)[0]
    if path.startswith("/api/") or "@" in host:
        return
    is_ours = _is_launchdarkly_host(host)
    if _PAGE_OF_SEGMENT.match(path) and (is_ours or separator or not host):
        page = "the segment's page"
    elif is_ours:
        page = "a page"
    else:
        return
    raise UsageError(
        f"target is {page} in LaunchDarkly's web application, not an import: {quoted(text)}. "
        "The import ID is in the Location header of the response that created it."
    )


def _is_launchdarkly_host(host: str) -> bool:
    return f"https://{host.lower()}" in LAUNCHDARKLY_ORIGINS


def _parse_keys(text: str) -> ImportRef:
    keys = text.removesuffix("/").split("/")
    if len(keys) == 1 and _IMPORT_ID.fullmatch(keys[0]):
        raise UsageError(
            f"target is an import ID alone: {quoted(text)}. "
            f"Write the three keys before it, such as {EXAMPLE_TARGET}."
        )
    if len(keys) != len(_KEY_NAMES):
        raise UsageError(
            f"target does not have four parts: {quoted(text)}. "
            f"Write project/environment/segment/import-id, such as {EXAMPLE_TARGET}."
        )
    return checked_ref(*keys, source=text)


def _parse_path(path: str, source: str) -> ImportRef:
    if "?" in path or "#" in path:
        raise UsageError(
            f"target must end after the import ID: {quoted(source)}. Remove everything from '?' or '#' on."
        )
    match = _IMPORT_PATH.fullmatch(path)
    if match is None:
        if _UNNAMED_PATH.fullmatch(path):
            raise UsageError(f"target has no import ID: {quoted(source)}. Write for example {_EXAMPLE_PATH}")
        raise UsageError(
            f"target is not the path of an import: {quoted(source)}. Write for example {_EXAMPLE_PATH}"
        )
    try:
        keys = [unquote(key, errors="strict") for key in match.groups()]
    except UnicodeDecodeError:
        raise UsageError(
            f"target has percent-encoding that is not UTF-8: {quoted(source)}. "
            f"Write the four keys instead, such as {EXAMPLE_TARGET}."
        ) from None
    return checked_ref(*keys, source=source)


def _problem_with(key: str) -> str | None:
    if not key:
        return "is empty"
    if key in {".", ".."}:
        return f"is {key!r}, which would change the path"
    if "/" in key or "\\" in key:
        return "has a slash, which would change the path"
    if redact(key) != key:
        return "looks like an access token"
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in key):
        return "has a control character"
    return None
