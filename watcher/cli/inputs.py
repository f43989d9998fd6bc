"""The inputs of a run: the imports, their host and the access token."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from watcher.api.hosts import DEFAULT_BASE_URI, LAUNCHDARKLY_ORIGINS, parse_base_uri
from watcher.api.targets import Target, checked_ref, choose_base_uri, shown
from watcher.api.token import Secret, parse_token
from watcher.api.token_sources import TokenFile, TokenSource
from watcher.cli.help import BASE_URI_VARIABLES, TOKEN_VARIABLES
from watcher.cli.mistakes import parse_positional
from watcher.cli.reading import Reading
from watcher.cli.target_lists import TargetLists
from watcher.core.defaults import EXAMPLE_TARGET
from watcher.core.errors import UsageError
from watcher.core.text import redact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from watcher.cli.settings import Settings
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
    base_uri_source: str | None = None

    @property
    def foreign_host(self) -> str | None:
        """A sentence that names the host and its source, unless it is one of LaunchDarkly's own."""
        if self.base_uri in LAUNCHDARKLY_ORIGINS:
            return None
        return f"polling {self.base_uri} (from {self.base_uri_source}), which is not a LaunchDarkly host"


class InputReader:
    """Read the targets and the access token that settings name.

    Attributes:
        settings: The settings.
        lists: Standard input and the files of targets.
        reading: The read in progress.
        inputs: The inputs, once they are read.
    """

    def __init__(self, settings: Settings, environ: Mapping[str, str] = os.environ) -> None:
        self.settings = settings
        self._environ = environ
        self.reading = Reading()
        self.lists = TargetLists(self.reading)
        self.inputs: Inputs | None = None

    @property
    def may_block(self) -> bool:
        """Whether ``read`` opens files or standard input, which may be pipes without a writer."""
        settings = self.settings
        has_list = any(map(_is_list, settings.targets))
        return settings.demo is None and (has_list or settings.token_file is not None)

    def check(self) -> None:
        """Check what can be checked without reading anything.

        Raises:
            UsageError: There is no target or no token, or they contradict each other.
        """
        settings = self.settings
        if not self.may_block:
            self.read()
            return
        targets = [named for named in self._parse_targets() if isinstance(named, Target)]
        _base_uri(settings, targets, self._environ)
        if settings.token_file is None:
            _tokens(settings, self._environ)

    def read(self) -> Inputs:
        """Read the targets, find their host and the access token; the targets on the command line come first.

        Raises:
            UsageError: There is no target or no token, or they contradict each other.
        """
        if self.inputs is None:
            settings = self.settings
            self.inputs = self._read() if settings.demo is None else _demo_inputs(settings)
        return self.inputs

    def conceal(self, text: str) -> str:
        """Return text without the access token, wherever it came from."""
        values = (self._environ.get(variable, "").strip() for variable in TOKEN_VARIABLES)
        text = redact(text, filter(None, values))
        return text if self.inputs is None else self.inputs.tokens.conceal(text)

    def _read(self) -> Inputs:
        settings, environ = self.settings, self._environ
        targets = [target for name in self._parse_targets() for target in self._targets_of(name)]
        base_uri, source = _base_uri(settings, targets, environ)
        if settings.token_file is not None:
            self.reading.begin(f"--token-file {shown(str(settings.token_file))}")
        tokens = _tokens(settings, environ)
        refs = tuple(dict.fromkeys(target.ref for target in targets))
        _check_no_token(refs, base_uri, tokens.current())
        return Inputs(refs, base_uri, tokens, source)

    def _parse_targets(self) -> list[str | Target]:
        """Return the targets on the command line, and the names of lists in their place."""
        texts = self.settings.targets
        named: list[str | Target] = [
            text if _is_list(text) else parse_positional(text, texts) for text in dict.fromkeys(texts)
        ]
        by_options = _target_of_options(self.settings)
        if by_options is not None:
            named.append(by_options)
        if not named:
            raise UsageError(f"no import is named. Give a target such as {EXAMPLE_TARGET}, or try --demo.")
        return named

    def _targets_of(self, named: str | Target) -> list[Target]:
        return self.lists.read(named) if isinstance(named, str) else [named]


def _demo_inputs(settings: Settings) -> Inputs:
    conflicts = settings.given & _DEMO_CONFLICTS
    if conflicts:
        name = "the target" if "targets" in conflicts else f"--{min(conflicts).replace('_', '-')}"
        raise UsageError(f"--demo creates and watches its own import. Leave out {name}.")
    return Inputs((), DEFAULT_BASE_URI, TokenSource(parse_token(_DEMO_TOKEN, "--demo")))


def _is_list(text: str) -> bool:
    return text == "-" or text.startswith("@")


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


def _base_uri(
    settings: Settings, targets: Sequence[Target], environ: Mapping[str, str]
) -> tuple[str, str | None]:
    """Return the base URI, and the setting that names it."""
    if settings.base_uri is None:
        return choose_base_uri(None, targets, "--base-uri"), None
    if "base_uri" in settings.given:
        base_uri = parse_base_uri(settings.base_uri, "--base-uri")
        return choose_base_uri(base_uri, targets, "--base-uri"), "--base-uri"
    variable = next((name for name in BASE_URI_VARIABLES if environ.get(name)), "the environment")
    base_uri = parse_base_uri(settings.base_uri, variable)
    return choose_base_uri(base_uri, targets, "--base-uri", variable), variable


def _tokens(settings: Settings, environ: Mapping[str, str]) -> TokenSource:
    if settings.token_file is not None:
        return TokenFile(settings.token_file, "--token-file")
    variable = _token_variable(environ)
    return TokenSource(parse_token(environ[variable], variable))


def _token_variable(environ: Mapping[str, str]) -> str:
    for variable in TOKEN_VARIABLES:
        if variable in environ:
            return variable
    raise UsageError(
        "no access token. Set LD_ACCESS_TOKEN=api-… in the environment, or use --token-file PATH."
    )


def _check_no_token(refs: Sequence[ImportRef], base_uri: str, token: Secret) -> None:
    """Refuse targets and a host that contain the access token, because they are printed."""
    if any(token.conceal(key) != key for ref in refs for key in ref.keys):
        raise UsageError("the target contains the access token. Write the import's keys alone.")
    if Secret(token.reveal().lower()).conceal(base_uri) != base_uri:
        raise UsageError("the base URI contains the access token. Write scheme and host alone.")
