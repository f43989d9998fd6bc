"""When what is kept, and what a run has from the ones before it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from watcher.core.errors import UsageError
from watcher.core.events import Changed, Ended
from watcher.core.wait.saved import SavedState, SavedWait, Stamp, remember, remember_hold
from watcher.state.disk import open_state_file
from watcher.state.document import Document, decode, encode, encode_entry
from watcher.state.entries import EndEntry, HoldEntry, ImportEntry
from watcher.state.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import msgspec

    from watcher.core.answers.rate_limits import Hold
    from watcher.core.events import Event
    from watcher.core.model import ImportRef, Instant
    from watcher.core.wait.saved import SavedHold
    from watcher.state.disk import StateFile

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def system_stamp() -> Stamp:
    """Reads the wall clock, and where the system tells it, which start of the machine this is (random(4)).

    Returns:
        The present.
    """
    now = time.time()
    try:
        return Stamp(now, _BOOT_ID.read_text("ascii").strip(), time.clock_gettime(time.CLOCK_BOOTTIME))
    except (OSError, ValueError, AttributeError):
        return Stamp(now)


class Keeper:
    """Keeps the waits of one run in a state file, beside those of other commands.

    A change is kept before it is told. So a process that is killed in between has told less than it knows:
    the next run does not tell the transition again, but has it in its result. The other order would tell it
    twice. How an import ended is kept after it was told, for there the opposite holds: a single look is
    silent where it finds what the one before has told, and must not be silent about what nobody heard.

    Args:
        file: The locked file.
        base_uri: Where the imports are.
        refs: The imports.
        complain: Tells a person that nothing could be kept.
        clock: Reads the present.

    Attributes:
        past: What the runs before have left.
        warning: Why the file that was there had to be set aside, if so.

    Raises:
        UsageError: The file can be neither read nor written.
    """

    def __init__(
        self,
        file: StateFile,
        base_uri: str,
        refs: Iterable[ImportRef],
        complain: Callable[[str], None],
        clock: Callable[[], Stamp] = system_stamp,
    ) -> None:
        self.warning: str | None = None
        self._file = file
        self._base_uri = base_uri
        self._complain = complain
        self._clock = clock
        self._waits: dict[ImportRef, SavedWait] = {}
        self._ends: dict[ImportRef, EndEntry] = {}
        self._entries: dict[tuple[str, ImportRef], msgspec.Raw] = {}
        self._foreign_holds: list[HoldEntry] = []
        self._hold: SavedHold | None = None
        self._hold_kept = clock()
        self._held: Hold | None = None
        self._complained = False
        self._take_up(self._read(), list(refs))
        self.past = SavedState(dict(self._waits), self._hold)
        try:
            self._write()
        except OSError as error:
            raise UsageError(
                f"--state-file {file.path} cannot be written: {error.strerror}; "
                "make room there, or name a file in a folder of your own"
            ) from None

    def keep(self, events: Sequence[Event], hold: Hold | None, now: Instant) -> None:
        """Keeps what happened, where a later run needs it; says once where that fails, and tries again later.

        Args:
            events: What happened at once.
            hold: The present stretch without requests.
            now: The time.
        """
        changed = {event.ref: event for event in events if isinstance(event, Changed | Ended)}
        for ref, event in changed.items():
            if not self._waits[ref].is_final:
                self._waits[ref] = remember(event)
                self._enter(ref)
        if hold != self._held:
            self._held, self._hold, self._hold_kept = hold, remember_hold(hold, now), self._clock()
        elif not changed:
            return
        self._save()

    def is_news(self, end: Ended) -> bool:
        """Tells whether an import ended otherwise than the last run told.

        Args:
            end: Its end.

        Returns:
            False where outcome and status are the same; after ``conclude`` that is so for each.
        """
        return self._ends.get(end.ref) != _end_entry(end)

    def finish(self, ends: Iterable[Ended]) -> None:
        """Keeps how the imports ended, which has been told by now.

        Args:
            ends: Their ends.
        """
        news = [end for end in ends if self.is_news(end)]
        for end in news:
            self._ends[end.ref] = _end_entry(end)
            self._enter(end.ref)
        if news:
            self._save()

    def close(self) -> None:
        """Lets the next run use the file."""
        self._file.close()

    def _read(self) -> Document:
        try:
            content = self._file.read()
            return Document(imports=[], holds=[]) if content is None else decode(content)
        except DamagedError as damage:
            aside = self._file.set_aside()
            self.warning = (
                f"--state-file {self._file.path} {damage}: it is now {aside}, and the waits begin anew"
            )
            return Document(imports=[], holds=[])

    def _take_up(self, document: Document, refs: list[ImportRef]) -> None:
        now, own = self._clock(), set(refs)
        for entry in document.imports:
            kept = entry.kept.stamp()
            if kept.is_forgotten(now):
                continue
            if entry.base_uri != self._base_uri or entry.ref not in own:
                self._entries[entry.base_uri, entry.ref] = encode_entry(entry)
                continue
            self._waits[entry.ref] = entry.memory().taken_up(kept, now)
            if entry.end is not None:
                self._ends[entry.ref] = entry.end
        for ref in refs:
            self._waits.setdefault(ref, SavedWait(now.unix))
            self._enter(ref)
        for hold in document.holds:
            left = hold.hold().taken_up(hold.kept.stamp(), now)
            if left is not None and hold.base_uri == self._base_uri:
                self._hold = left
            elif left is not None:
                self._foreign_holds.append(hold)

    def _enter(self, ref: ImportRef) -> None:
        entry = ImportEntry.of(self._base_uri, ref, self._waits[ref], self._ends.get(ref), self._clock())
        self._entries[self._base_uri, ref] = encode_entry(entry)

    def _save(self) -> None:
        try:
            self._write()
        except OSError as error:
            if not self._complained:
                self._complained = True
                reason = error.strerror or "the reason is not known"
                self._complain(
                    f"--state-file {self._file.path} could not be written: {reason}; the watch goes on, "
                    "and the next run knows no more than was written before"
                )

    def _write(self) -> None:
        holds = list(self._foreign_holds)
        if self._hold is not None:
            holds.append(HoldEntry.of(self._base_uri, self._hold, self._hold_kept))
        self._file.write(encode(list(self._entries.values()), holds))


def open_keeper(
    path: Path, base_uri: str, refs: Iterable[ImportRef], complain: Callable[[str], None]
) -> Keeper:
    """Opens a state file for one run.

    Args:
        path: Where it is; it need not exist.
        base_uri: Where the imports are.
        refs: The imports.
        complain: Tells a person that nothing could be kept.

    Returns:
        The keeper, until it is closed.

    Raises:
        UsageError: The file is a link, or can be neither read nor written.
        BusyError: Another run uses it.
    """
    file = open_state_file(path)
    try:
        return Keeper(file, base_uri, refs, complain)
    except BaseException:
        file.close()
        raise


def _end_entry(end: Ended) -> EndEntry:
    status = end.progress.status
    return EndEntry(outcome=end.outcome, status=None if status is None else str(status))
