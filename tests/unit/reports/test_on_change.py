"""What single looks tell that follow each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.driving import SERVER, Driven, seen
from watcher.core.exit_codes import ExitCodes
from watcher.core.messages.progress import Level
from watcher.core.policy import Policy
from watcher.reports.on_change import EVENTS_KEPT, LogOfChanges

if TYPE_CHECKING:
    from watcher.core.events import Ended, Event
    from watcher.core.exit_codes import Result


class _Written:
    """A log that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def receive(self, event: Event) -> None:
        """Takes in an event."""
        self.told.append(type(event).__name__)

    def finish(self, result: Result, ends: tuple[Ended, ...]) -> None:
        """Takes in the end."""
        self.told.append(f"{len(ends)} {result.outcome}")

    def say(self, level: Level, name: str, message: str) -> None:
        """Takes in a sentence."""
        self.told.append(f"{level.name} {name}: {message}")

    def close(self) -> None:
        """Takes in that all is over."""
        self.told.append("closed")


def look(*, is_news: bool, faults: int = 1) -> list[str]:
    """What is told of one look that meets faults and finds a status."""
    driven, written = Driven(Policy(once=True, outage_budget=1e9, timeout=1e9)), _Written()
    for _ in range(faults):
        driven.receive(SERVER)
    driven.receive(seen("ready"))
    log = LogOfChanges(written, lambda _: is_news)
    for event in driven.events[:-1]:
        log.receive(event)
    assert written.told == []
    log.receive(driven.ended)
    log.finish(ExitCodes().finish([driven.ended]), (driven.ended,))
    log.close()
    return written.told


def test_news_is_told_with_what_led_to_it() -> None:
    """Faults, changes and the end come in order; that a look begins is no news."""
    assert look(is_news=True) == ["Retrying", "Changed", "Ended", "1 pending", "closed"]


def test_no_news_is_silence() -> None:
    """Where the last look told the same, nothing is told, faults on the way included."""
    assert look(is_news=False) == ["closed"]


def test_what_is_held_back_is_bounded() -> None:
    """A look that never ends does not fill the memory."""
    assert len(look(is_news=True, faults=2 * EVENTS_KEPT)) == EVENTS_KEPT + 2


def test_trouble_is_told_at_once() -> None:
    """A damaged file, a failing report and the like are always news; a hint that each look has is not."""
    written = _Written()
    log = LogOfChanges(written, lambda _: False)
    log.say(Level.WARNING, "state_file", "set aside")
    log.say(Level.WARNING, "hint", "this is an SDK key")
    assert written.told == ["WARNING state_file: set aside"]


def test_a_hint_comes_with_the_news() -> None:
    """It stands before what it explains, and once."""
    written, driven = _Written(), Driven(Policy(once=True))
    log = LogOfChanges(written, lambda _: True)
    log.say(Level.WARNING, "hint", "this is an SDK key")
    driven.receive(seen("ready"))
    log.receive(driven.ended)
    log.receive(driven.ended)
    assert written.told == ["WARNING hint: this is an SDK key", "Ended", "Ended"]
