"""Tests of the simulation itself: each planted bug breaks an invariant."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from tests.simulation.draw import draw
from tests.simulation.invariants import violation
from tests.simulation.mutations import MUTATIONS, Mutation
from tests.simulation.run import play

MOST_SEEDS = 400


def seeds_until_caught(mutation: Mutation) -> int | None:
    """Return how many seeds it takes to catch a planted bug; None if it is not caught."""
    with patch.object(mutation.target, mutation.attribute, mutation.replacement):
        for count in range(1, MOST_SEEDS + 1):
            broken = violation(play(draw(mutation.first + count - 1)))
            if broken is not None and broken.startswith(f"{mutation.caught_by}:"):
                return count
    return None


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_the_simulation_catches(mutation: Mutation) -> None:
    """A planted bug breaks the right invariant within a few hundred seeds."""
    assert seeds_until_caught(mutation) is not None
