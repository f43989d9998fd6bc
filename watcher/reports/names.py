"""How lines name imports: in full, or without the leading keys that all of them share."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from watcher.core.model import ImportRef
from watcher.core.text import printable

LISTED = 3
"""Imports that a line names one by one; of more, it gives the number."""


class Names:
    """The imports of one watch.

    Attributes:
        shortened: Whether names leave out the leading keys that all imports share, because they are known.
        distinctive: Whether they also leave out import IDs that are not needed to tell the imports apart.
    """

    def __init__(self) -> None:
        self.shortened = False
        self.distinctive = False
        self._refs: dict[ImportRef, None] = {}
        self._shared: int | None = None
        self._distinctive: slice | None = None

    def add(self, ref: ImportRef) -> None:
        self._refs[ref] = None
        self._shared = self._distinctive = None

    def __len__(self) -> int:
        """Return the number of imports."""
        return len(self._refs)

    @property
    def shared(self) -> str:
        """The leading keys that all imports share, such as ``default/production``; may be empty."""
        return joined(next(iter(self._refs)).keys[: self._count_shared()])

    def of(self, ref: ImportRef) -> str:
        if self.distinctive:
            if self._distinctive is None:
                self._distinctive = distinctive_keys(self._refs)
            return joined(ref.keys[self._distinctive])
        return joined(ref.keys[self._count_shared() :]) if self.shortened else str(ref)

    def of_all(self, refs: Collection[ImportRef], *, so_far: bool = False) -> str:
        """Return the names of a few imports, or the number of many; ``so_far`` if others may follow."""
        if len(refs) == 1:
            return self.of(*refs)
        count, total = len(refs), max(len(self), len(refs))
        so_far_text = " so far" if so_far else ""
        if count <= LISTED:
            listed = ", ".join(self.of(ref) for ref in self._refs if ref in refs)
            return f"{count} imports{so_far_text}: {listed}"
        return f"all {count} imports" if count == total else f"{count} of {total} imports{so_far_text}"

    def _count_shared(self) -> int:
        if self._shared is None:
            self._shared = count_shared_keys(self._refs)
        return self._shared


def joined(keys: Iterable[str]) -> str:
    """Return some of the keys of an import, safe to print."""
    return "/".join(printable(key, limit=200) for key in keys)


def count_shared_keys(refs: Iterable[ImportRef]) -> int:
    """Count the leading keys that all targets share; the import ID always stays."""
    columns = zip(*(ref.keys[:-1] for ref in refs), strict=True)
    return next((index for index, keys in enumerate(columns) if len(set(keys)) > 1), 3)


def distinctive_keys(refs: Collection[ImportRef]) -> slice:
    """Return which keys tell the imports apart; the import ID only if the others are not enough."""
    shared = count_shared_keys(refs)
    others = {ref.keys[shared:-1] for ref in refs}
    return slice(shared, -1 if len(others) == len(refs) and () not in others else None)
