"""The loop with a state file: which imports are polled, and what is saved when."""

from __future__ import annotations

import asyncio
import math
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.simulation.virtual import VirtualLoop
from tests.support.driving import EPOCH
from tests.support.watching import SingleWatch
from tests.unit.loop.test_loop import clock, found, outcomes, refs, succeeds
from watcher.core.answers.replies import Answer
from watcher.core.events import Changed, Ended
from watcher.core.model import Import
from watcher.core.policy import Policy, Terms
from watcher.core.statuses import ImportStatus, Outcome
from watcher.core.wait.saved import SavedHold, SavedState, SavedWait
from watcher.loop.outbox import LONGEST_PAUSE, PAUSE_AFTER_SAVE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from watcher.core.answers.rate_limits import Hold
    from watcher.core.answers.replies import Fault
    from watcher.core.events import Event
    from watcher.core.model import ImportRef, Instant

COMPLETE = SavedWait(EPOCH - 100, EPOCH - 50, Import(ImportStatus.COMPLETE))
READY = SavedWait(EPOCH - 100, EPOCH - 50, Import(ImportStatus.READY))


def play(count: int, saved: SavedState, terms: Terms) -> tuple[list[Event], list[str]]:
    """Watch imports that stay ready; return the events, and the imports that were polled."""
    polled: list[str] = []

    async def probe(ref: ImportRef, _fresh: bool) -> Answer | Fault:
        polled.append(ref.import_id)
        await asyncio.sleep(0.2)
        return found(ref, "ready")

    async def run() -> list[Event]:
        watch = SingleWatch(refs(count), terms, probe, Random(1), clock, saved=saved)
        async with aclosing(watch.events()) as events:
            return [event async for event in events]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(run()), polled


@dataclass
class Saved:
    """What happened in a watch whose saves take time, and when.

    Attributes:
        took: Seconds that each save with an event takes; it blocks the loop.
        polls: When each request was sent, by import.
        saves: When each save began, with its events and hold.
        reports: When each event was reported.
    """

    took: float
    polls: dict[str, list[float]] = field(default_factory=dict)
    saves: list[tuple[float, list[Event], Hold | None]] = field(default_factory=list)
    reports: list[tuple[float, Event]] = field(default_factory=list)

    def watch(
        self,
        count: int,
        answer: Callable[[ImportRef, float], Answer],
        terms: Terms,
        stop_at: float = math.inf,
    ) -> Saved:
        """Watch imports whose answers depend on the time, to the end or to a signal."""

        async def probe(ref: ImportRef, _fresh: bool) -> Answer | Fault:
            self.polls.setdefault(ref.import_id, []).append(clock().monotonic)
            await asyncio.sleep(0.2)
            return answer(ref, clock().monotonic)

        def save(events: Sequence[Event], hold: Hold | None, now: Instant) -> None:
            self.saves.append((now.monotonic, list(events), hold))
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop)
            loop.work(self.took if events else 0.0)

        async def run() -> None:
            watch = SingleWatch(refs(count), terms, probe, Random(1), clock, save=save)
            if math.isfinite(stop_at):
                asyncio.get_running_loop().call_later(stop_at, watch.interrupt, 15)
            async with aclosing(watch.events()) as events:
                async for event in events:
                    self.reports.append((clock().monotonic, event))

        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(run())
        return self

    @property
    def delays(self) -> list[float]:
        """The seconds between each event and its report."""
        return [at - event.at.monotonic for at, event in self.reports]

    @property
    def saved(self) -> list[Event]:
        """The events of all saves."""
        return [event for _, events, _ in self.saves for event in events]


def test_a_final_import_is_not_polled() -> None:
    """Imports that are final are reported as they were, without a request."""
    terms = Terms(Policy(once=True), succeeds)
    events, polled = play(3, SavedState(dict.fromkeys(refs(2), COMPLETE)), terms)
    assert polled == ["2"]
    assert outcomes(events) == [Outcome.COMPLETE, Outcome.COMPLETE, Outcome.PENDING]


@pytest.mark.parametrize("position", [0, 2])
def test_a_success_of_an_earlier_run_is_enough_for_any(position: int) -> None:
    """With any_suffices nothing is polled if one import is known to be complete, whichever it is."""
    terms = Terms(Policy(), succeeds, any_suffices=True)
    events, polled = play(3, SavedState({refs(3)[position]: COMPLETE}), terms)
    assert polled == []
    assert sorted(outcomes(events)) == [Outcome.COMPLETE, Outcome.PENDING, Outcome.PENDING]


@pytest.mark.parametrize("once", [False, True])
def test_every_import_is_polled_before_its_timeout_is_applied(*, once: bool) -> None:
    """All waits expired between two runs; each import is polled once more."""
    terms = Terms(Policy(once=once, timeout=60.0), succeeds)
    events, polled = play(60, SavedState(dict.fromkeys(refs(60), READY)), terms)
    assert sorted(polled) == sorted(ref.import_id for ref in refs(60))
    assert outcomes(events) == [Outcome.TIMEOUT] * 60


@pytest.mark.parametrize("once", [False, True])
def test_a_hold_of_an_earlier_run_applies_to_every_import(*, once: bool) -> None:
    """A single look polls nothing, and a wait polls when the hold is over."""
    hold = SavedHold(EPOCH + 30, EPOCH + 33, named=True)
    terms = Terms(Policy(once=once, timeout=100.0), succeeds)
    events, polled = play(2, SavedState(hold=hold), terms)
    ends = [event for event in events if isinstance(event, Ended)]
    if once:
        assert (polled, outcomes(events)) == ([], [Outcome.UNAVAILABLE] * 2)
        return
    assert outcomes(events) == [Outcome.TIMEOUT] * 2
    assert min(transition.elapsed for end in ends for transition in end.progress.transitions) >= 33.0


def changing_at(moment: Callable[[ImportRef], float]) -> Callable[[ImportRef, float], Answer]:
    """Return answers for imports that are ready from a moment on."""
    return lambda ref, now: found(ref, "ready" if now > moment(ref) else "preparing")


@pytest.mark.parametrize("took", [0.0, 0.05])
def test_every_event_is_saved_before_it_is_reported(took: float) -> None:
    """A later run knows everything that was reported, in the same order."""
    log = Saved(took).watch(20, lambda ref, _: found(ref, "ready"), Terms(Policy(once=True), succeeds))
    assert [event for _, event in log.reports] == log.saved
    assert outcomes(log.saved) == [Outcome.PENDING] * 20
    reported = {id(event): at for at, event in log.reports}
    for began, events, _ in log.saves:
        assert all(reported[id(event)] >= began + took - 1e-6 for event in events)


def test_saves_take_a_bounded_share_of_the_time() -> None:
    """After a save, events wait for fifty times as long as it took, and are then saved together."""
    terms = Terms(Policy(timeout=60.0), succeeds)
    log = Saved(0.02).watch(300, changing_at(lambda ref: int(ref.import_id) / 8), terms)
    begins = [began for began, events, _ in log.saves if events]
    assert (
        min(later - began for began, later in pairwise(begins[:-1])) >= 0.02 * (1 + PAUSE_AFTER_SAVE) - 1e-3
    )
    assert len([event for _, event in log.reports if isinstance(event, Changed)]) > 500
    assert max(log.delays) <= 0.02 * (2 + PAUSE_AFTER_SAVE) + 1e-3


def test_events_wait_for_a_slow_disk_for_a_second_at_most() -> None:
    """However long a save takes, the next one begins a second later."""
    terms = Terms(Policy(timeout=60.0), succeeds)
    log = Saved(0.8).watch(20, changing_at(lambda ref: float(ref.import_id)), terms)
    assert max(log.delays) <= LONGEST_PAUSE + 2 * 0.8 + 1e-3


def test_polls_continue_while_events_wait() -> None:
    """A poll is late by the length of one save at most, not by the pause after it."""
    policy = Policy(timeout=60.0, min_interval=0.5, max_interval=0.5)
    changing = Saved(0.1).watch(
        5, lambda ref, now: found(ref, ("ready", "preparing")[int(now) % 2]), Terms(policy, succeeds)
    )
    assert len([event for _, event in changing.reports if isinstance(event, Changed)]) > 5 * 50
    for polls in changing.polls.values():
        assert max(later - before for before, later in pairwise(polls)) < 0.5 * 1.1 + 0.2 + 2 * 0.1


def test_a_hold_that_begins_in_a_pause_is_saved_after_it() -> None:
    """A hold is saved when the pause ends, although no event happens."""

    def answer(ref: ImportRef, now: float) -> Answer:
        reset = str(int((EPOCH + now + 60) * 1000))
        headers = {"x-ratelimit-route-remaining": "0", "x-ratelimit-reset": reset} if now > 0.5 else {}
        return Answer(200, headers, found(ref, "ready").body)

    terms = Terms(Policy(min_interval=0.4), succeeds)
    log = Saved(0.1).watch(1, answer, terms, stop_at=30.0)
    saved_at = next(began for began, events, _ in log.saves if events and isinstance(events[-1], Changed))
    answered = log.polls["0"][1] + 0.2
    held_at = next(began for began, _, hold in log.saves if hold is not None)
    assert answered < held_at <= saved_at + 0.1 + LONGEST_PAUSE + 1e-3


def test_a_signal_ends_the_pause() -> None:
    """The outcomes of an interrupted watch are saved and reported at once."""
    terms = Terms(Policy(min_interval=0.1, max_interval=0.1), succeeds)
    log = Saved(0.1).watch(
        3, lambda ref, now: found(ref, ("ready", "preparing")[int(now * 4) % 2]), terms, stop_at=10.0
    )
    ends = [(at, event) for at, event in log.reports if isinstance(event, Ended)]
    assert [event.outcome for _, event in ends] == [Outcome.INTERRUPTED] * 3
    assert max(at for at, _ in ends) <= 10.0 + 2 * 0.1 + 1e-3
    assert [event for _, event in log.reports] == log.saved
