"""What is being read before the watch, for those who wait for it."""

from __future__ import annotations

import time

STANDARD_INPUT = "standard input"


class Reading:
    """What a thread is reading, for the event loop to see.

    Attributes:
        source: How messages name it.
        advice: What the user can do meanwhile; empty if nothing.
        silent_since: When the read began or last received something, in seconds on the clock of event loops.
    """

    def __init__(self) -> None:
        self.source = ""
        self.advice = ""
        self.silent_since = 0.0

    def begin(self, source: str, advice: str = "") -> None:
        """Record that a read begins."""
        self.source, self.advice = source, advice
        self.received()

    def received(self) -> None:
        """Record that something was received."""
        self.silent_since = time.monotonic()
