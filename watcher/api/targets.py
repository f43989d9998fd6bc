"""Which imports: targets as people write them, and the host that they are on."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from watcher.api.network import DEFAULT_BASE_URI, LAUNCHDARKLY_ORIGINS, is_loopback, origin_of
from watcher.core.errors import UsageError
from watcher.core.model import ImportRef
from watcher.core.statuses import EXAMPLE_TARGET
from watcher.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEY_NAMES = ("project key", "environment key", "segment key", "import ID")
_IMPORT_PATH = re.compile(r"/api/v2/segments/([^/]*)/([^/]*)/([^/]*)/imports/([^/]*)")
_IMPORT_PATH_EXAMPLE = "/api/v2/segments/default/production/big-spenders/imports/1234a567-…"


@dataclass(frozen=True, slots=True)
class Target:
    """One import as it was named.

    Attributes:
        ref: The import.
        origin: Scheme and host, where a URL named them.
    """

    ref: ImportRef
    origin: str | None = None


def target_of(named: object) -> Target:
    """Takes an import as a program names it, whatever it really gives.

    Args:
        named: A reference, or text as ``parse_target`` reads it.

    Returns:
        The import that it names.

    Raises:
        UsageError: It names none, or a key would lead elsewhere.
    """
    match named:
        case ImportRef(project, environment, segment, import_id):
            source = f"{project}/{environment}/{segment}/{import_id}"
            return Target(checked_ref(project, environment, segment, import_id, source=source))
        case str():
            return parse_target(named)
        case _:
            raise UsageError(f"an import is named by an ImportRef or a str, not by {type(named).__name__}")


def parse_target(text: str) -> Target:
    """Reads four keys, an API path or an API URL.

    Args:
        text: What the user wrote.

    Returns:
        The import that it names.

    Raises:
        UsageError: It names none, or a key would lead elsewhere.
    """
    if not text.strip():
        raise UsageError(f"a target is empty (is a variable unset?); write for example {EXAMPLE_TARGET}")
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`":
        raise UsageError(f"target {quoted(text)} is within quotes; write it without them")
    if "://" in text:
        origin = origin_of(text, "target", f"https://app.launchdarkly.com{_IMPORT_PATH_EXAMPLE}")
        _, slash, path = text.partition("://")[2].partition("/")
        return Target(_parse_path(slash + path, text), origin)
    if text.startswith("/"):
        return Target(_parse_path(text, text))
    keys = text.split("/")
    if len(keys) != len(_KEY_NAMES):
        raise UsageError(
            f"target {quoted(text)} is not the four parts project/environment/segment/import-id; "
            f"write for example {EXAMPLE_TARGET}"
        )
    return Target(checked_ref(*keys, source=text))


def choose_base_uri(
    given: str | None, targets: Iterable[Target], setting: str = "--base-uri", source: str | None = None
) -> str:
    """Finds out where the API is; the token goes to no host that was not configured.

    Args:
        given: The base URI that was configured.
        targets: The targets, of which some may be URLs.
        setting: What configures it, for the message.
        source: What configured it, for the message, where that is something else.

    Returns:
        The base URI: the one that was given, else LaunchDarkly's own host that the targets agree on, else its
        default.

    Raises:
        UsageError: A target is on another host.
    """
    origins = {target.origin for target in targets if target.origin is not None}
    if given is None and origins and origins <= LAUNCHDARKLY_ORIGINS:
        if len(origins) > 1:
            raise UsageError(
                f"the targets are on different hosts, {' and '.join(sorted(origins))}; watch them apart"
            )
        return origins.pop()
    base_uri = given or DEFAULT_BASE_URI
    for origin in sorted(origins - {base_uri}):
        where = base_uri if source is None else f"{base_uri} (from {source})"
        secure = origin.replace("http://", "https://")
        if secure != origin and not is_loopback(origin):
            advice = f"plain http would show it to the network, so write {secure}"
        else:
            advice = f"if that host is right, add {setting} {origin}"
        raise UsageError(f"a target is on {origin}, but the access token goes to {where} only; {advice}")
    return base_uri


def checked_ref(project: str, environment: str, segment: str, import_id: str, *, source: str) -> ImportRef:
    """Makes a reference of four literal keys.

    Args:
        project: The project key.
        environment: The environment key.
        segment: The segment key.
        import_id: The import's ID.
        source: What the user wrote, for the message.

    Returns:
        The reference.

    Raises:
        UsageError: A key would change the path that is asked for.
    """
    for name, key in zip(_KEY_NAMES, (project, environment, segment, import_id), strict=True):
        problem = _problem_with(key)
        if problem is not None:
            raise UsageError(
                f"target {quoted(source)}: the {name} {problem}; write for example {EXAMPLE_TARGET}"
            )
    return ImportRef(project, environment, segment, import_id)


def _parse_path(path: str, source: str) -> ImportRef:
    if "?" in path or "#" in path:
        raise UsageError(f"target {quoted(source)} must end after the import ID, without '?' or '#'")
    match = _IMPORT_PATH.fullmatch(path)
    if match is None:
        raise UsageError(
            f"target {quoted(source)} is not the path of an import; write for example {_IMPORT_PATH_EXAMPLE}"
        )
    try:
        keys = [unquote(key, errors="strict") for key in match.groups()]
    except UnicodeDecodeError:
        raise UsageError(f"target {quoted(source)}: its percent-encoding is not UTF-8") from None
    return checked_ref(*keys, source=source)


def _problem_with(key: object) -> str | None:
    if not isinstance(key, str):
        return f"is no text but {type(key).__name__}"
    if not key:
        return "is empty"
    if key in {".", ".."}:
        return f"is {key!r}, which would change the path"
    if "/" in key or "\\" in key:
        return "has a slash, which would change the path"
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in key):
        return "has a control character"
    return None


def quoted(text: str) -> str:
    """Quotes what somebody wrote, safe to print.

    Args:
        text: What it is.

    Returns:
        At most 200 characters of it, in quotes.
    """
    return f"'{printable(text, limit=200)}'"
