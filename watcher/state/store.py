"""The state of one run's waits, saved in a state file beside the imports of other commands."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from watcher.core.answers.rate_limits import Hold
from watcher.core.events import Changed, Ended, Event
from watcher.core.model import ImportRef, Instant
from watcher.core.statuses import Outcome
from watcher.core.text import reason_of
from watcher.core.wait.saved import SavedHold, SavedState, SavedWait
from watcher.state.disk import StateFile, UnusableError, open_state_file, usage_errors
from watcher.state.document import Document, ImportEntry, Reported, decode, encode, encode_entry

UNUSED_LIMIT = 30 * 86400.0
"""Seconds after which an entry that no run used is dropped."""


class StateStore:
    """Save the waits of one run.

    A change is saved before it is reported: if the process is killed in between, the next run has the
    transition in its result and does not report it again. An outcome is recorded after it was reported,
    because the next single poll prints nothing if the outcome is the same.

    A final status ends a later run without a request, so it needs a seal that only the access token can make:
    a file from elsewhere, such as one in a repository, must not look like a success.

    Create it with ``open_store``; ``clock`` returns Unix seconds, and new waits began ``age`` seconds ago.
    """

    def __init__(
        self,
        file: StateFile,
        base_uri: str,
        refs: Iterable[ImportRef],
        warn: Callable[[str], None],
        clock: Callable[[], float] = time.time,
        *,
        age: float = 0.0,
        seal: Callable[[str], str] = str,
    ) -> None:
        self._file = file
        self._seal = seal
        self._base_uri = base_uri
        self._warn = warn
        self._has_failed = False
        self._hold: Hold | None = None
        now, document = clock(), self._read()
        self._entries = {ref: ImportEntry(base_uri, ref, now, SavedWait(now - age)) for ref in refs}
        self._lines: dict[tuple[str, ImportRef], bytes] = {}
        for entry in document.imports:
            if now - entry.used_at > UNUSED_LIMIT:
                continue
            if entry.base_uri == base_uri and entry.ref in self._entries:
                wait = entry.wait
                if wait.is_final and entry.seal != seal(entry.sealed_text):
                    wait = SavedWait(wait.began)  # ask again
                self._entries[entry.ref] = replace(entry, used_at=now, wait=wait.corrected(now))
            else:
                self._put_line(replace(entry, used_at=min(entry.used_at, now)))
        for entry in self._entries.values():
            self._put_line(entry)
        holds = {uri: hold.corrected(now) for uri, hold in document.holds.items()}
        self._holds = {uri: hold for uri, hold in holds.items() if hold is not None}
        with usage_errors(file.path, "written"):
            self._write()

    @property
    def saved(self) -> SavedState:
        """The saved waits of this run's imports, and the hold of their base URI."""
        waits = {ref: entry.wait for ref, entry in self._entries.items()}
        return SavedState(waits, self._holds.get(self._base_uri))

    def save(self, events: Sequence[Event], hold: Hold | None, now: Instant) -> None:
        """Save what a later run needs of events that were not reported yet, with at most one write.

        Only the first failed write is reported, and every later change tries again.
        """
        changed = {
            event.ref: event
            for event in events
            if isinstance(event, Changed | Ended) and not self._entries[event.ref].wait.is_final
        }
        for ref, event in changed.items():
            self._put(replace(self._entries[ref], used_at=now.unix, wait=SavedWait.after(event)))
        if hold != self._hold:
            self._hold = hold
            self._holds.pop(self._base_uri, None)
            saved = SavedHold.from_hold(hold, now)
            if saved is not None:
                self._holds[self._base_uri] = saved
        elif not changed:
            return
        self._try_to_write()

    def has_changed(self, ended: Ended) -> bool:
        """Return whether outcome or status differ from what was last recorded as reported."""
        return self._entries[ended.ref].reported != Reported.from_end(ended)

    def told(self, ref: ImportRef) -> Outcome | None:
        """Return the outcome that was last recorded as reported."""
        reported = self._entries[ref].reported
        return None if reported is None else reported.outcome

    def record_outcomes(self, ends: Iterable[Ended]) -> None:
        """Save the outcomes that were reported by now."""
        changed = [end for end in ends if self.has_changed(end)]
        for end in changed:
            self._put(replace(self._entries[end.ref], reported=Reported.from_end(end)))
        if changed:
            self._try_to_write()

    def _read(self) -> Document:
        try:
            content = self._file.read()
            return Document() if content is None else decode(content)
        except UnusableError as error:
            self._warn(
                f"--state-file: {self._file.path} {error}; it is now {self._file.set_aside()}. "
                "All waits start over."
            )
            return Document()

    def _put(self, entry: ImportEntry) -> None:
        entry = replace(entry, seal=self._seal(entry.sealed_text) if entry.wait.is_final else None)
        self._entries[entry.ref] = entry
        self._put_line(entry)

    def _put_line(self, entry: ImportEntry) -> None:
        self._lines[entry.base_uri, entry.ref] = encode_entry(entry)

    def _try_to_write(self) -> None:
        try:
            self._write()
        except OSError as error:
            if not self._has_failed:
                self._has_failed = True
                self._warn(
                    f"--state-file: {self._file.path} could not be written: {reason_of(error)}. "
                    "The watch continues, but a later run may repeat this change."
                )

    def _write(self) -> None:
        self._file.write(encode(self._lines.values(), self._holds))


@contextmanager
def open_store(
    path: Path,
    base_uri: str,
    refs: Iterable[ImportRef],
    warn: Callable[[str], None],
    *,
    age: float = 0.0,
    seal: Callable[[str], str] = str,
) -> Iterator[StateStore]:
    """Open a state file, which need not exist, for one run.

    Call ``warn`` with a message when a file is set aside, and the first time that it cannot be written. Waits
    that are new in the file began ``age`` seconds ago. ``seal`` returns a text that only someone with the
    access token can make of another.

    Raises:
        UsageError: The file cannot be trusted, read or written.
        BusyError: Another run uses the file.
    """
    with open_state_file(path, warn) as file:
        yield StateStore(file, base_uri, refs, warn, age=age, seal=seal)
