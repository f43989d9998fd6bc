"""Hints at likely mistakes that do not stop a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watcher.api.token import wrong_key_hint
from watcher.cli.parse import variables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from watcher.api.token import Secret

_SIMILARITY = 0.93
"""One letter that is missing, added or swapped (see ``difflib.get_close_matches``)."""


def find_hints(token: Secret, environ: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each likely mistake in the token and the names of environment variables."""
    hint = wrong_key_hint(token)
    if hint is not None:
        yield hint
    yield from misspelled_variables(environ, variables())


def misspelled_variables(names: Collection[str], known: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each variable that is almost an option's; Kubernetes injects some that are not."""
    unknown = sorted(name for name in names if name.startswith("WATCHER_") and name not in known)
    if not unknown:
        return
    from difflib import get_close_matches  # noqa: PLC0415 (slow, and most environments have none)

    for name in unknown:
        for meant in get_close_matches(name, known, n=1, cutoff=_SIMILARITY):
            yield f"{name} is not an option's variable. Did you mean {meant}?"
