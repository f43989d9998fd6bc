"""Simulations of a thousand watches, each checked against every invariant."""

from __future__ import annotations

import pytest

from tests.simulation.draw import draw
from tests.simulation.invariants import violation
from tests.simulation.run import play
from tests.simulation.story import report, tell

CHUNK = 50


@pytest.mark.parametrize("first", range(0, 1000, CHUNK))
def test_every_invariant_holds(first: int) -> None:
    """A watch keeps every invariant, whatever server, network, clock and user do."""
    for seed in range(first, first + CHUNK):
        run = play(draw(seed))
        broken = violation(run)
        assert broken is None, report(run, broken)


@pytest.mark.parametrize("seed", range(7, 2000, 211))
def test_a_seed_repeats_itself(seed: int) -> None:
    """The same seed gives the same log, so that a failure can be replayed."""
    assert tell(play(draw(seed))) == tell(play(draw(seed)))
