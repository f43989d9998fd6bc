"""Hints at variables of the environment that are almost an option's: a safety must not get lost unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_ALIKE = 0.93
"""Of the length that two names share: one letter that is missing, added, or out of place."""


def hints_at_misspelt(names: Collection[str], known: Collection[str]) -> Iterator[str]:
    """Finds variables whose names are hardly meant otherwise than as an option's.

    Args:
        names: All variables of the environment, of which Kubernetes and others make some.
        known: Those that options have.

    Yields:
        A hint for the person, for each.
    """
    strange = sorted(name for name in names if name.startswith("WATCHER_") and name not in known)
    if not strange:
        return
    from difflib import get_close_matches  # noqa: PLC0415 (most environments have none)

    for name in strange:
        for meant in get_close_matches(name, known, n=1, cutoff=_ALIKE):
            yield f"{name} is set, but no option has that variable; did you mean {meant}?"
