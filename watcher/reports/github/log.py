"""Standard error in a step of GitHub Actions: annotations, and nothing else that the runner would obey."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from watcher.core.events import Ended
from watcher.core.statuses import INCONCLUSIVE, SUCCESSES
from watcher.reports.report import Report
from watcher.reports.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watcher.core.events import Event
    from watcher.core.exit_codes import ExitCodes, Result
    from watcher.reports.report import Notice

MOST_ANNOTATIONS = 8
"""Annotations of each kind for single imports. GitHub shows ten of a kind for each step: the ninth says how
many are missing, and with the tenth the runner itself says that the step failed."""


class CommandFreeStream(Stream):
    r"""Writes so that the runner finds no command in the middle of a line.

    The runner obeys ``::name::`` at the beginning of a line, where only annotations put it, but looks for the
    older ``##[name]`` anywhere in it (actions/runner, ``ActionCommand.cs``). Its bracket is written as
    ``\u005b``, as text that is not printable is; in JSON that is the same string.
    """

    def _send(self, data: bytes) -> None:
        super()._send(data.replace(b"##[", b"##\\u005b"))


class AnnotatingLog(Report):
    """Tells the ends that somebody should look at as annotations, in place of lines, and hands on all else.

    Args:
        log: Tells all else.
        stream: Where annotations go, which is where ``log`` writes.
        codes: The exit codes in force.
        any_suffices: Whether the failure of one import may still be made good by another's success.
    """

    def __init__(self, log: Report, stream: Stream, codes: ExitCodes, *, any_suffices: bool) -> None:
        self.name = log.name
        self._log = log
        self._stream = stream
        self._codes = codes
        self._any_suffices = any_suffices
        self._told: Counter[str] = Counter()

    def receive(self, event: Event) -> None:
        """Tells an event."""
        if isinstance(event, Ended) and self._takes(event):
            return
        self._log.receive(event)

    def finish(self, result: Result) -> None:
        """Pass the result on, and count the outcomes that have no annotation."""
        if not result.ends:
            self._annotate("error", f"watcher: {result.outcome}", f"watcher: {result.message}")
            return
        self._log.finish(result)
        for kind, told in self._told.items():
            if told > MOST_ANNOTATIONS:
                more = f"{told - MOST_ANNOTATIONS} more did not succeed; the log names them"
                self._annotate(kind, "LaunchDarkly imports", more)

    def notify(self, notice: Notice) -> None:
        """Pass the message on."""
        self._log.notify(notice)

    def close(self) -> None:
        """Leaves the terminal as it was."""
        self._log.close()

    def _takes(self, ended: Ended) -> bool:
        kind = self._kind(ended)
        if kind is None:
            return False
        self._told[kind] += 1
        if self._told[kind] > MOST_ANNOTATIONS:
            return False
        self._annotate(kind, f"LaunchDarkly import: {ended.outcome}", f"{ended.ref}: {ended.message}")
        return True

    def _kind(self, ended: Ended) -> str | None:
        code = self._codes.code(ended.outcome, ended.signal)
        if ended.left_behind or (ended.outcome in SUCCESSES and code == 0):
            return None
        mild = code == 0 or ended.outcome in INCONCLUSIVE or self._any_suffices
        return "warning" if mild else "error"

    def _annotate(self, kind: str, title: str, message: str) -> None:
        self._stream.write_line(workflow_command(kind, {"title": title}, message))


def workflow_command(name: str, properties: Mapping[str, str], message: str) -> str:
    """Writes a command that GitHub's runner obeys, escaped as its own toolkit does.

    Args:
        name: The command, such as ``error``.
        properties: Its properties.
        message: Its data.

    Returns:
        The line, without its end.
    """
    fields = ",".join(f"{key}={_escape_property(value)}" for key, value in properties.items())
    return f"::{name} {fields}::{_escape_data(message)}"


def _escape_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")
