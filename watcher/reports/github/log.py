"""Standard error in a GitHub Actions step: annotations, and no other workflow commands."""

from __future__ import annotations

from collections.abc import Sequence

from watcher.core.events import Ended
from watcher.core.exit_codes import ExitCodes, Result
from watcher.core.messages.progress import Level
from watcher.core.model import ImportRef
from watcher.core.statuses import INCONCLUSIVE, SUCCESSES
from watcher.reports.lines import Line, LineWriter
from watcher.reports.stream import Stream

MAX_ANNOTATIONS = 8
"""Annotations of each kind for single imports. GitHub shows ten of a kind for each step: the ninth counts the
rest, and the runner itself adds the tenth when the step fails."""


class AnnotationWriter(LineWriter):
    """Write failures as annotations instead of lines; as warnings if another import's success suffices."""

    def __init__(self, stream: Stream, level: Level, codes: ExitCodes, *, any_suffices: bool) -> None:
        super().__init__(stream, level)
        self._codes = codes
        self._any_suffices = any_suffices
        self._failures: dict[str, list[int]] = {}

    def write(self, line: Line) -> None:
        """Annotate a failure if GitHub still shows the annotation; write anything else as a line."""
        if line.end is None or not self._annotates(line.end, line.refs):
            super().write(line)

    def write_unwatched(self, result: Result) -> None:
        kind = "error" if result.code else "warning"
        self._annotate(kind, f"watcher: {result.outcome}", f"watcher: {result.message}")

    def finish(self) -> None:
        """Count the failures without an annotation."""
        for kind, numbers in self._failures.items():
            if hidden := sum(numbers[MAX_ANNOTATIONS:]):
                self._annotate(kind, "LaunchDarkly imports", f"{hidden} more did not succeed. See the log.")

    def _annotates(self, ended: Ended, refs: Sequence[ImportRef]) -> bool:
        code = self._codes.code_of(ended)
        if ended.left_behind or (ended.outcome in SUCCESSES and code == 0):
            return False
        is_mild = code == 0 or ended.outcome in INCONCLUSIVE or self._any_suffices
        kind = "warning" if is_mild else "error"
        numbers = self._failures.setdefault(kind, [])
        numbers.append(len(refs) or 1)
        if len(numbers) > MAX_ANNOTATIONS:
            return False
        # An annotation is shown on its own, so it names its imports in full.
        target = str(ended.ref) if len(refs) <= 1 else self.names.of_all(refs)
        self._annotate(kind, f"LaunchDarkly import: {ended.outcome}", f"{ended.message} ({target})")
        return True

    def _annotate(self, kind: str, title: str, message: str) -> None:
        self._stream.write_line(annotation(kind, title, message))


def annotation(kind: str, title: str, message: str) -> str:
    """Return the workflow command of an annotation, escaped like ``@actions/core`` does."""
    escaped = _escape(title).replace(":", "%3A").replace(",", "%2C")
    return f"::{kind} title={escaped}::{_escape(message)}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
