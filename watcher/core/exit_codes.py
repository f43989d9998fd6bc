"""Exit codes: of one outcome, and of a whole run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from watcher.core.statuses import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from watcher.core.events import Ended

DEFAULT_CODES: Mapping[Outcome, int] = {
    Outcome.COMPLETE: 0,
    Outcome.REACHED: 0,
    Outcome.INTERNAL: 1,
    Outcome.USAGE: 2,
    Outcome.STOPPED: 3,
    Outcome.UNAUTHORIZED: 4,
    Outcome.NOT_FOUND: 5,
    Outcome.PROTOCOL: 6,
    Outcome.BLOCKED: 7,
    Outcome.PENDING: 8,
    Outcome.UNAVAILABLE: 75,
    Outcome.TIMEOUT: 124,
    Outcome.INTERRUPTED: 130,
}
"""75 is EX_TEMPFAIL (sysexits.h), 124 is timeout(1)'s code, 130 a shell's code after SIGINT."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended.

    Attributes:
        outcome: The outcome of the import that decides, or of the run itself if nothing was watched.
        message: The final message: of the only import, or a summary.
        status: The last status of the import that decides.
        ends: The last events of the imports, in the order of the targets; empty if nothing was watched.
        elapsed: Seconds from the start of the wait, if it ended before any import was known.
    """

    outcome: Outcome
    code: int
    message: str
    status: Status | None = None
    ends: tuple[Ended, ...] = ()
    elapsed: float = 0.0


@dataclass(frozen=True, slots=True)
class ExitCodes:
    """The default exit codes, except for those that the user ``remapped``."""

    remapped: Mapping[Outcome, int] = field(default_factory=dict)

    def code(self, outcome: Outcome, signal: int | None = None) -> int:
        """Return the user's code, else 128 plus the signal's number (as in a shell), else the default."""
        if outcome in self.remapped:
            return self.remapped[outcome]
        return DEFAULT_CODES[outcome] if signal is None else 128 + signal

    def code_of(self, ended: Ended) -> int:
        """Return the exit code of one import."""
        return self.code(ended.outcome, ended.signal)

    def result(self, ends: Iterable[Ended], *, any_suffices: bool = False) -> Result:
        """Return the result of a run with at least one import.

        An interrupted import decides first. The run succeeds if all imports have code 0, or one of them if
        ``any_suffices``; else the failed import with the lowest default code decides. Imports left behind do
        not count, unless there are no others.
        """
        from watcher.core.messages.outcomes import summarize  # noqa: PLC0415 (help needs the codes only)

        ends = tuple(ends)
        counted = [end for end in ends if not end.left_behind] or ends
        outcome, code, decisive = self._decide(counted, any_suffices=any_suffices)
        message = ends[0].message if len(ends) == 1 else summarize(ends, outcome, code)
        return Result(outcome, code, message, decisive.progress.status, ends)

    def _decide(self, counted: Sequence[Ended], *, any_suffices: bool) -> tuple[Outcome, int, Ended]:
        for end in counted:
            if end.outcome is Outcome.INTERRUPTED:
                return end.outcome, self.code_of(end), end
        succeeded = [end for end in counted if self.code_of(end) == 0]
        if succeeded and (any_suffices or len(succeeded) == len(counted)):
            outcomes = {end.outcome for end in succeeded}
            return (outcomes.pop() if len(outcomes) == 1 else Outcome.REACHED), 0, succeeded[-1]
        failed = (end for end in counted if self.code_of(end) != 0)
        decisive = min(failed, key=lambda end: DEFAULT_CODES[end.outcome] or 256)
        return decisive.outcome, self.code_of(decisive), decisive
