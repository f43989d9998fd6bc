"""From the options to the settings: what goes together, what is read, and what is refused."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from watcher.api import targets
from watcher.api.network import DEFAULT_BASE_URI, parse_base_uri
from watcher.api.token import FixedToken, TokenFile, parse_token
from watcher.cli.choices import TOKEN_VARIABLES, Pipeline
from watcher.cli.distinct_files import check_distinct_files
from watcher.cli.early import kubernetes_log
from watcher.cli.settings import Settings
from watcher.cli.target_lists import parse_listing
from watcher.core import defaults
from watcher.core.errors import UsageError
from watcher.core.exit_codes import ExitCodes
from watcher.core.policy import Policy
from watcher.core.statuses import EXAMPLE_TARGET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from watcher.api.targets import Target
    from watcher.api.token import TokenSource
    from watcher.cli.settings import Options
    from watcher.core.model import ImportRef

    _ToWatch = tuple[tuple[ImportRef, ...], str, TokenSource]

_BASE_URI_VARIABLES = ("WATCHER_BASE_URI", "LD_BASE_URI", "LAUNCHDARKLY_API_HOST")
_DEMO_TOKEN = "api-demo"  # noqa: S105 (the embedded simulator takes any)
_Value = TypeVar("_Value")


def resolve(options: Options, read_listing: Callable[[str], str]) -> Settings:
    """Checks the options together and reads what they point at.

    Args:
        options: The options as they were given.
        read_listing: Gives the text of ``-`` or of ``@FILE``.

    Returns:
        The settings.

    Raises:
        UsageError: They cannot be, or do not go together.
    """
    policy = _policy(options)
    if options.linger and options.listen is None:
        raise UsageError(
            "--linger goes on serving, and nothing is served; add for example --listen 127.0.0.1:8080"
        )
    check_distinct_files(options)
    refs, base_uri, tokens = (
        _of_the_demo(options) if options.demo is not None else _of_targets(options, read_listing)
    )
    return Settings(
        refs=refs,
        base_uri=base_uri,
        tokens=tokens,
        policy=policy,
        exit_codes=ExitCodes(dict(options.exit_code)),
        any_suffices=options.any_suffices,
        fail_fast=options.fail_fast,
        ca_file=options.ca_file,
        request_timeout=_limit(options.request_timeout),
        heartbeat=_limit(options.heartbeat),
        output=options.output,
        progress=options.progress,
        log_format=options.log_format,
        log_level=options.log_level,
        ci=_pipeline(options.ci, os.environ),
        dotenv=options.dotenv,
        status_file=options.status_file,
        state_file=options.state_file,
        termination_log=options.termination_log or _kubernetes_log(),
        listen=options.listen,
        linger=options.linger,
        demo=options.demo,
    )


def _of_the_demo(options: Options) -> _ToWatch:
    """Leaves it to the demo what it watches, and where."""
    conflicts = options.on_command_line & {
        "targets", "base_uri", "token_file", "project", "environment", "segment", "import_id",
    }  # fmt: skip
    if conflicts:
        name = "target" if "targets" in conflicts else f"--{min(conflicts).replace('_', '-')}"
        raise UsageError(f"--demo watches an import of its own and goes with no {name}; write only --demo")
    return (), DEFAULT_BASE_URI, FixedToken(parse_token(_DEMO_TOKEN, "--demo"))


def _of_targets(options: Options, read_listing: Callable[[str], str]) -> _ToWatch:
    named = _named_imports(options, read_listing)
    refs = tuple(dict.fromkeys(target.ref for target in named))
    return refs, _base_uri(options, named), _tokens(options.token_file, os.environ)


def _pipeline(asked_for: Pipeline, environ: Mapping[str, str]) -> Pipeline:
    """Finds out which service runs this job, by the variables that each says it sets."""
    if asked_for is not Pipeline.AUTO:
        return asked_for
    if environ.get("GITHUB_ACTIONS") == "true":
        return Pipeline.GITHUB
    return Pipeline.GITLAB if environ.get("GITLAB_CI") == "true" else Pipeline.NONE


def _kubernetes_log() -> Path | None:
    path = kubernetes_log()
    return None if path is None else Path(path)


def _named_imports(options: Options, read_listing: Callable[[str], str]) -> list[Target]:
    named: list[Target] = []
    for text in dict.fromkeys(options.targets):
        if text == "-":
            named += parse_listing(read_listing(text), "standard input")
        elif text.startswith("@"):
            named += parse_listing(read_listing(text), text[1:])
        else:
            named.append(targets.parse_target(text))
    by_options = _import_of_options(options)
    if by_options is not None:
        named.append(by_options)
    if not named:
        raise UsageError(f"no import is named; give a target such as {EXAMPLE_TARGET}, or try --demo")
    return named


def _import_of_options(options: Options) -> Target | None:
    keys = {
        "--project": options.project,
        "--environment": options.environment,
        "--segment": options.segment,
        "--import-id": options.import_id,
    }
    asked_for = options.on_command_line & {"project", "environment", "segment", "import_id"}
    if not asked_for and options.segment is None and options.import_id is None:
        return None
    missing = [name for name, key in keys.items() if key is None]
    if missing:
        raise UsageError(
            f"without {' and '.join(missing)} no import is named: --project, --environment, --segment and "
            f"--import-id go together; or give it as {EXAMPLE_TARGET}"
        )
    values = [key or "" for key in keys.values()]
    return targets.Target(targets.checked_ref(*values, source="/".join(values)))


def _base_uri(options: Options, named: Sequence[Target]) -> str:
    if options.base_uri is None:
        return targets.choose_base_uri(None, named)
    if "base_uri" in options.on_command_line:
        return targets.choose_base_uri(parse_base_uri(options.base_uri, "--base-uri"), named)
    variable = next((name for name in _BASE_URI_VARIABLES if os.environ.get(name)), "the environment")
    return targets.choose_base_uri(parse_base_uri(options.base_uri, variable), named, source=variable)


def _tokens(token_file: Path | None, environ: Mapping[str, str]) -> TokenSource:
    if token_file is not None:
        return TokenFile(token_file)
    for variable in TOKEN_VARIABLES:
        if variable in environ:
            return FixedToken(parse_token(environ[variable], variable))
    raise UsageError(
        "no access token is given; set LD_ACCESS_TOKEN=api-… in the environment, or use --token-file PATH"
    )


def _policy(options: Options) -> Policy:
    until = options.until
    fail_on = frozenset(options.fail_on)
    if until in fail_on:
        raise UsageError(f"--fail-on {until} contradicts --until {until}; leave one of them out")
    minimum, maximum = _intervals(options.min_interval, options.max_interval)
    once = options.once
    outage_budget = defaults.ONCE_OUTAGE_BUDGET if once else defaults.OUTAGE_BUDGET
    return Policy(
        until=until,
        fail_on=fail_on,
        once=once,
        remembered=options.state_file is not None,
        unknown_status=options.unknown_status,
        timeout=_limit(_given(options.timeout, 0.0 if once else defaults.TIMEOUT)),
        max_in_state={status: _limit(longest) for status, longest in options.max_in_state},
        outage_budget=_limit(_given(options.outage_budget, outage_budget)),
        appear_within=options.appear_within,
        min_interval=minimum,
        max_interval=maximum,
        growth=options.growth,
    )


def _intervals(minimum: float | None, maximum: float | None) -> tuple[float, float]:
    """Fills in defaults that never cross the bound that was given."""
    for name, value in (("--min-interval", minimum), ("--max-interval", maximum)):
        if value == 0:
            raise UsageError(f"{name} must be more than 0; write for example {name} 1s")
    if minimum is not None and maximum is not None and minimum > maximum:
        raise UsageError("--min-interval is longer than --max-interval; write for example --min-interval 1s")
    if minimum is None:
        minimum = min(defaults.MIN_INTERVAL, _given(maximum, defaults.MIN_INTERVAL))
    if maximum is None:
        maximum = max(defaults.MAX_INTERVAL, minimum)
    return minimum, maximum


def _limit(seconds: float) -> float:
    return seconds or math.inf


def _given(value: _Value | None, default: _Value) -> _Value:
    return default if value is None else value
