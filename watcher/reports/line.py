"""One line about a watch, before it is written for a terminal, a pipe or a CI service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watcher.core.events import Ended
from watcher.core.messages.progress import Level
from watcher.core.model import ImportRef
from watcher.reports.terminal import Tone


@dataclass(frozen=True, slots=True)
class Line:
    """A message with the imports that it is about, at ``at`` in Unix seconds.

    Attributes:
        refs: The imports to name; empty if the message names them, or if there is only one.
        end: The end of the import, or of the first of several with the same end.
        is_outcome: Whether it explains an outcome or the result.
    """

    level: Level
    text: str
    at: float
    refs: Sequence[ImportRef] = ()
    end: Ended | None = None
    tone: Tone = Tone.NONE
    is_outcome: bool = False
