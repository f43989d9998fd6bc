"""Resolve settings to imports, base URI and access token."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from watcher.api.hosts import DEFAULT_BASE_URI, parse_base_uri
from watcher.api.targets import Target, checked_ref, choose_base_uri, parse_target
from watcher.api.token import TokenFile, TokenSource, parse_token
from watcher.cli.options import BASE_URI_VARIABLES, TOKEN_VARIABLES
from watcher.cli.target_lists import parse_target_list
from watcher.core.defaults import EXAMPLE_TARGET
from watcher.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from watcher.cli.settings import Settings
    from watcher.cli.target_lists import TargetLists
    from watcher.core.model import ImportRef

_KEY_FIELDS = ("project", "environment", "segment", "import_id")
_DEMO_CONFLICTS = frozenset({"targets", "base_uri", "token_file", *_KEY_FIELDS})
_DEMO_TOKEN = "api-demo"  # noqa: S105 (the simulator accepts any token)


@dataclass(frozen=True, slots=True)
class Inputs:
    """The imports to poll, their host and token; no imports in the demo, which creates its own."""

    refs: tuple[ImportRef, ...]
    base_uri: str
    tokens: TokenSource


def read_inputs(settings: Settings, lists: TargetLists, environ: Mapping[str, str] = os.environ) -> Inputs:
    """Read the targets, find their host and the access token.

    Raises:
        UsageError: There is no target or no token, or they contradict each other.
    """
    if settings.demo is not None:
        return _demo_inputs(settings)
    targets = _targets(settings, lists)
    refs = tuple(dict.fromkeys(target.ref for target in targets))
    return Inputs(refs, _base_uri(settings, targets, environ), _tokens(settings, environ))


def _demo_inputs(settings: Settings) -> Inputs:
    conflicts = settings.given & _DEMO_CONFLICTS
    if conflicts:
        name = "the target" if "targets" in conflicts else f"--{min(conflicts).replace('_', '-')}"
        raise UsageError(f"--demo creates and watches its own import. Leave out {name}.")
    return Inputs((), DEFAULT_BASE_URI, TokenSource(parse_token(_DEMO_TOKEN, "--demo")))


def _targets(settings: Settings, lists: TargetLists) -> list[Target]:
    targets: list[Target] = []
    for text in dict.fromkeys(settings.targets):
        if text == "-" or text.startswith("@"):
            targets += parse_target_list(lists.read(text), "standard input" if text == "-" else text[1:])
        else:
            targets.append(parse_target(text))
    by_options = _target_of_options(settings)
    if by_options is not None:
        targets.append(by_options)
    if not targets:
        raise UsageError(f"no import is named. Give a target such as {EXAMPLE_TARGET}, or try --demo.")
    return targets


def _target_of_options(settings: Settings) -> Target | None:
    keys = {
        "--project": settings.project,
        "--environment": settings.environment,
        "--segment": settings.segment,
        "--import-id": settings.import_id,
    }
    # LD_PROJECT and LD_ENVIRONMENT alone name no import.
    if settings.given.isdisjoint(_KEY_FIELDS) and settings.segment is None and settings.import_id is None:
        return None
    missing = [name for name, key in keys.items() if key is None]
    if missing:
        raise UsageError(
            "--project, --environment, --segment and --import-id name an import together. "
            f"Add {' and '.join(missing)}, or give a target such as {EXAMPLE_TARGET}."
        )
    values = [key or "" for key in keys.values()]
    return Target(checked_ref(*values, source="/".join(values)))


def _base_uri(settings: Settings, targets: Sequence[Target], environ: Mapping[str, str]) -> str:
    if settings.base_uri is None:
        return choose_base_uri(None, targets, "--base-uri")
    if "base_uri" in settings.given:
        return choose_base_uri(parse_base_uri(settings.base_uri, "--base-uri"), targets, "--base-uri")
    variable = next((name for name in BASE_URI_VARIABLES if environ.get(name)), "the environment")
    return choose_base_uri(parse_base_uri(settings.base_uri, variable), targets, "--base-uri", variable)


def _tokens(settings: Settings, environ: Mapping[str, str]) -> TokenSource:
    if settings.token_file is not None:
        return TokenFile(settings.token_file, "--token-file")
    for variable in TOKEN_VARIABLES:
        if variable in environ:
            return TokenSource(parse_token(environ[variable], variable))
    raise UsageError(
        "no access token. Set LD_ACCESS_TOKEN=api-… in the environment, or use --token-file PATH."
    )
