"""How outcomes become exit codes: of one import, and of a whole watch."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from watcher.core.statuses import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from watcher.core.events import Ended
    from watcher.core.statuses import Status

DEFAULT_CODES: Mapping[Outcome, int] = MappingProxyType(
    {
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
)
"""The contract's codes: 75 is EX_TEMPFAIL of sysexits.h, 124 timeout(1)'s, 130 a shell's after SIGINT."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How a whole watch ended.

    Attributes:
        outcome: The outcome of the import that decides.
        code: The exit code.
        status: The last status of that import; where all have 0, of the one that ended last.
    """

    outcome: Outcome
    code: int
    status: Status | None = None


@dataclass(frozen=True, slots=True)
class ExitCodes:
    """The exit codes in force.

    Attributes:
        remapped: The codes that the user set.
    """

    remapped: Mapping[Outcome, int] = field(default_factory=dict)

    def code(self, outcome: Outcome, signal: int | None = None) -> int:
        """Gives the code of one import's end.

        Args:
            outcome: How it ended.
            signal: The signal that ended it.

        Returns:
            The user's code, else the contract's; a signal gives 128 and its number, as in a shell.
        """
        if outcome in self.remapped:
            return self.remapped[outcome]
        return DEFAULT_CODES[outcome] if signal is None else 128 + signal

    def conclude(self, ended: Iterable[Ended], *, any_suffices: bool = False) -> Conclusion:
        """Decides the code of a whole watch.

        Imports that were left behind because another one ended the watch do not count, unless nothing else is
        there to count.

        Args:
            ended: The ends of all its imports; at least one.
            any_suffices: Whether one import that gives 0 is enough.

        Returns:
            The signal's end where there was one; 0 where all ends give 0; else the end whose default code is
            the lowest that is not 0.
        """
        every = list(ended)
        counted = [end for end in every if not end.left_behind] or every
        for end in counted:
            if end.outcome is Outcome.INTERRUPTED:
                return Conclusion(end.outcome, self.code(end.outcome, end.signal), end.progress.status)
        succeeded = [end for end in counted if self.code(end.outcome) == 0]
        if succeeded and (any_suffices or len(succeeded) == len(counted)):
            return Conclusion(_shared_success(succeeded), 0, succeeded[-1].progress.status)
        failed = (end for end in counted if self.code(end.outcome) != 0)
        decisive = min(failed, key=lambda end: DEFAULT_CODES[end.outcome] or 256)
        return Conclusion(decisive.outcome, self.code(decisive.outcome), decisive.progress.status)


def _shared_success(ended: list[Ended]) -> Outcome:
    outcomes = {end.outcome for end in ended}
    return outcomes.pop() if len(outcomes) == 1 else Outcome.REACHED
