"""Common mistakes in the command line and the environment: errors, and hints that do not stop a run."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from watcher.api.targets import Target, parse_target, quoted, shown
from watcher.api.token import Secret, wrong_key_hint
from watcher.cli.options import variables
from watcher.core.errors import UsageError

_SUBCOMMANDS = {
    "status": "use --once to look once",
    "get": "use --once to look once",
    "show": "use --once to look once",
    "check": "use --once to look once",
    "wait": "leave it out to wait for the import",
    "watch": "leave it out to wait for the import",
    "run": "leave it out to wait for the import",
    "help": "use --help",
    "version": "use --version",
    "demo": "use --demo",
    "simulator": "use python -m watcher.simulator",
    "create": "watcher does not create imports (see the README)",
    "list": "watcher does not list imports (name each as a target)",
}

_BASE_URI = "use --base-uri URI, or give the whole URL as the target"
_INTERVALS = "use --min-interval and --max-interval"
_LOG_LEVEL = "use --log-level debug"
_OUTAGE_BUDGET = "use --outage-budget DURATION to limit the time without a response"
_UNTIL = "use --until STATUS"

_OTHER_OPTIONS = {
    "--wait-for": _UNTIL,
    "--for": _UNTIL,
    "--wait": "watcher always waits; --timeout DURATION limits it",
    "--json": "use --output json",
    "--host": _BASE_URI,
    "--url": _BASE_URI,
    "--interval": _INTERVALS,
    "--poll-interval": _INTERVALS,
    "--verbose": _LOG_LEVEL,
    "-v": _LOG_LEVEL,
    "--retries": _OUTAGE_BUDGET,
}
"""Options of similar programs, and what to do instead."""

_OPTION_SIMILARITY = 0.8
_SIMILARITY = 0.93
"""One letter that is missing, added or swapped (see ``difflib.get_close_matches``)."""

_TOKEN_OPTIONS = {"--token", "--access-token", "--api-token", "--api-key", "--auth-token"}


def parse_positional(text: str, targets: Sequence[str]) -> Target:
    """Return the target that an argument names; ``targets`` are all such arguments.

    Raises:
        UsageError: It names none. It may be a subcommand, or a command without ``--`` before it.
    """
    position = targets.index(text)
    if position == 0 and text in _SUBCOMMANDS:
        raise UsageError(f"{text} is not a target, and there are no subcommands: {_SUBCOMMANDS[text]}.")
    first, comma, others = text.partition(",")
    if comma and (not others or "/" in others) and _is_target(first):
        raise UsageError("targets are joined by a comma. Separate them with spaces.")
    try:
        return parse_target(text)
    except UsageError:
        if position > 0 and _looks_like_command(text):
            raise _unmarked_command(text) from None
        if _is_file(text):
            raise UsageError(
                f"{quoted(text)} is a file. Write @{shown(text)} to read targets or response headers from it."
            ) from None
        raise


def unknown_option(name: str, targets: Sequence[str], known: Collection[str]) -> UsageError:
    """Return the error about an option that does not exist; ``known`` are those that do.

    ``targets`` are the arguments that are not options.
    """
    if name in _TOKEN_OPTIONS:
        return UsageError(
            f"there is no {name}, because other users can see arguments. "
            "Set LD_ACCESS_TOKEN, or use --token-file PATH."
        )
    for text in targets[1:]:
        if _looks_like_command(text):
            return _unmarked_command(text)
    if name in _OTHER_OPTIONS:
        return UsageError(f"there is no {name}: {_OTHER_OPTIONS[name]}.")
    from difflib import get_close_matches  # noqa: PLC0415 (slow, and rarely needed)

    meant = get_close_matches(name, known, n=1, cutoff=_OPTION_SIMILARITY)
    advice = f"Did you mean {meant[0]}?" if meant else "See --help."
    return UsageError(f"no such option {quoted(name)}. {advice}")


def find_hints(token: Secret, environ: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each likely mistake in the token and the names of environment variables."""
    hint = wrong_key_hint(token)
    if hint is not None:
        yield hint
    yield from _misspelled_variables(environ)


def _misspelled_variables(names: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each variable that is almost an option's; Kubernetes injects some that are not."""
    known = variables()
    unknown = sorted(name for name in names if name.startswith("WATCHER_") and name not in known)
    if not unknown:
        return
    from difflib import get_close_matches  # noqa: PLC0415 (slow, and most environments have none)

    for name in unknown:
        for meant in get_close_matches(name, known, n=1, cutoff=_SIMILARITY):
            yield f"{name} is not an option's variable. Did you mean {meant}?"


def _is_target(text: str) -> bool:
    try:
        parse_target(text)
    except UsageError:
        return False
    return True


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a path, or with a NUL
        return False


def _looks_like_command(text: str) -> bool:
    return shutil.which(text) is not None or text.startswith(("./", "../", "~/"))


def _unmarked_command(text: str) -> UsageError:
    return UsageError(
        f"{quoted(text)} is a command and not a target. Write -- before it: TARGET -- {shown(text)}"
    )
