"""What each path of ``--listen`` answers; a function of the watch's snapshot, without any network."""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from watcher.reports.http.metrics import exposition

if TYPE_CHECKING:
    from collections.abc import Callable

    from watcher.reports.http.snapshot import Snapshot

METHODS = ("GET", "HEAD")
_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: HTTPStatus
    body: bytes
    content_type: str = _TEXT


class Endpoints:
    """Answers requests by the latest snapshot.

    Args:
        snapshot: Where the watch stands.
        clock: The monotonic clock, in seconds.
    """

    def __init__(self, snapshot: Snapshot, clock: Callable[[], float] = time.monotonic) -> None:
        self._snapshot = snapshot
        self._clock = clock
        self._paths = {
            "/healthz": self._tell_health,
            "/readyz": self._tell_readiness,
            "/status": self._tell_status,
            "/metrics": self._tell_metrics,
        }
        self._encoded: tuple[Snapshot | None, bytes] = (None, b"")

    def publish(self, snapshot: Snapshot) -> None:
        """Takes in where the watch stands now; called in the watch's thread.

        Args:
            snapshot: It replaces the one before.
        """
        self._snapshot = snapshot

    def answer(self, method: str, path: str, accept: str = "") -> Answer:
        """Answers a request; called in one thread only.

        Args:
            method: The request's method.
            path: The path of its target.
            accept: Its ``Accept`` field.

        Returns:
            The answer, with the body that a GET gets.
        """
        tell = self._paths.get(path)
        if tell is None:
            return _text(HTTPStatus.NOT_FOUND, f"there are {', '.join(self._paths)} here")
        if method not in METHODS:
            return _text(HTTPStatus.METHOD_NOT_ALLOWED, f"use {' or '.join(METHODS)}")
        return tell(self._snapshot, accept)

    def _tell_health(self, snapshot: Snapshot, _accept: str) -> Answer:
        if snapshot.is_stuck(self._clock()):
            silence = self._clock() - min(snapshot.at.monotonic, snapshot.wakes_at)
            return _text(
                HTTPStatus.SERVICE_UNAVAILABLE, f"stuck: the watch has done nothing for {silence:.0f} s"
            )
        return _text(HTTPStatus.OK, "ok")

    def _tell_readiness(self, snapshot: Snapshot, _accept: str) -> Answer:
        result = snapshot.result
        if result is not None:
            status = HTTPStatus.OK if result.code == 0 else HTTPStatus.SERVICE_UNAVAILABLE
            return _text(status, f"ended with {result.code} ({result.outcome})")
        count = len(snapshot.builder.progress)
        if count == 0:
            return _text(HTTPStatus.SERVICE_UNAVAILABLE, "waiting: the watch has not begun")
        waiting = count - len(snapshot.builder.ends)
        verb = "is" if waiting == 1 else "are"
        imports = "import" if count == 1 else "imports"
        return _text(
            HTTPStatus.SERVICE_UNAVAILABLE, f"waiting: {waiting} of {count} {imports} {verb} not final"
        )

    def _tell_status(self, snapshot: Snapshot, _accept: str) -> Answer:
        # Thousands of imports take a while to encode: once for each snapshot, however many ask.
        if self._encoded[0] is not snapshot:
            self._encoded = (snapshot, b"".join([*snapshot.builder.encode(), b"\n"]))
        return Answer(HTTPStatus.OK, self._encoded[1], "application/json")

    def _tell_metrics(self, snapshot: Snapshot, accept: str) -> Answer:
        body, content_type = exposition(snapshot, accept)
        return Answer(HTTPStatus.OK, body, content_type)


def _text(status: HTTPStatus, line: str) -> Answer:
    return Answer(status, f"{line}\n".encode())
