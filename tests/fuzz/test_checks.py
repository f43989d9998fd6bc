"""A few examples of each check, so that the checks stay right; ``python -m tests.fuzz`` runs many."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fuzz.checks import CHECKS


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_few_examples(check: Callable[[], None]) -> None:
    """The check holds for a few random inputs."""
    check()
