"""The loop with what earlier runs left: who is asked at all, and that all is kept before it is told."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.simulation.virtual import VirtualLoop
from tests.support.driving import EPOCH
from tests.unit.test_loop import clock, found, outcomes, refs, succeeds
from watcher.core.events import Ended
from watcher.core.model import Import
from watcher.core.policy import Policy, Terms
from watcher.core.statuses import ImportStatus, Outcome
from watcher.core.wait.saved import SavedHold, SavedState, SavedWait
from watcher.loop import Watch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watcher.core.answers.rate_limits import Hold
    from watcher.core.answers.replies import Answer, Fault
    from watcher.core.events import Event
    from watcher.core.model import ImportRef, Instant

COMPLETE = SavedWait(EPOCH - 100, EPOCH - 50, Import(ImportStatus.COMPLETE))
READY = SavedWait(EPOCH - 100, EPOCH - 50, Import(ImportStatus.READY))


def play(
    count: int, past: SavedState, terms: Terms, log: list[str] | None = None
) -> tuple[list[Event], list[str]]:
    """Watches imports that are ready for good; gives what was told, and which import was asked for."""
    asked: list[str] = []
    steps = [] if log is None else log

    async def probe(ref: ImportRef) -> Answer | Fault:
        asked.append(ref.import_id)
        await asyncio.sleep(0.2)
        return found(ref, "ready")

    def keep(events: Sequence[Event], _hold: Hold | None, _now: Instant) -> None:
        steps.extend(f"kept {type(event).__name__}" for event in events)

    async def run() -> list[Event]:
        watch = Watch(refs(count), terms, probe, Random(1), clock, past=past, keep=keep)
        told = []
        async with aclosing(watch.events()) as events:
            async for event in events:
                steps.append(f"told {type(event).__name__}")
                told.append(event)
        return told

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(run()), asked


def test_only_what_can_change_is_asked_for() -> None:
    """Of several imports those that are final are reported as they were, without a request."""
    terms = Terms(Policy(once=True), succeeds)
    events, asked = play(3, SavedState(dict.fromkeys(refs(2), COMPLETE)), terms)
    assert asked == ["2"]
    assert outcomes(events) == [Outcome.COMPLETE, Outcome.COMPLETE, Outcome.PENDING]


@pytest.mark.parametrize("position", [0, 2])
def test_a_success_of_an_earlier_run_is_enough_for_any(position: int) -> None:
    """With any_suffices nothing is asked where one import is known to be complete, whichever it is."""
    terms = Terms(Policy(), succeeds, any_suffices=True)
    events, asked = play(3, SavedState({refs(3)[position]: COMPLETE}), terms)
    assert asked == []
    assert sorted(outcomes(events)) == [Outcome.COMPLETE, Outcome.PENDING, Outcome.PENDING]


@pytest.mark.parametrize("once", [False, True])
def test_a_whole_fleet_is_looked_at_before_its_clocks_are_judged(*, once: bool) -> None:
    """All waits expired while nobody ran; each still has its one look."""
    terms = Terms(Policy(once=once, timeout=60.0), succeeds)
    events, asked = play(60, SavedState(dict.fromkeys(refs(60), READY)), terms)
    assert sorted(asked) == sorted(ref.import_id for ref in refs(60))
    assert outcomes(events) == [Outcome.TIMEOUT] * 60


@pytest.mark.parametrize("once", [False, True])
def test_a_hold_of_an_earlier_run_holds_everybody(*, once: bool) -> None:
    """A single look asks nothing, and a wait asks when the hold is over."""
    hold = SavedHold(EPOCH + 30, EPOCH + 33, named=True)
    terms = Terms(Policy(once=once, timeout=100.0), succeeds)
    events, asked = play(2, SavedState(hold=hold), terms)
    ends = [event for event in events if isinstance(event, Ended)]
    if once:
        assert (asked, outcomes(events)) == ([], [Outcome.UNAVAILABLE] * 2)
        return
    assert outcomes(events) == [Outcome.TIMEOUT] * 2
    assert min(transition.elapsed for end in ends for transition in end.progress.transitions) >= 33.0


def test_everything_is_kept_before_it_is_told() -> None:
    """What somebody reads, a later run knows."""
    steps: list[str] = []
    play(2, SavedState(), Terms(Policy(once=True), succeeds), steps)
    kept: list[str] = []
    for step in steps:
        verb, _, event = step.partition(" ")
        if verb == "kept":
            kept.append(event)
        else:
            assert event == kept.pop(0)
    assert steps
    assert not kept
