"""Messages about the current state of a wait."""

from __future__ import annotations

import pytest

from tests.unit.reports.live.test_view_state import progress
from watcher.core.messages.snapshots import polls, waiting_for


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (None, "waiting for the import to appear"),
        ("preparing", "LaunchDarkly is preparing the import"),
        ("pending_approval", "the change must be approved and applied in LaunchDarkly"),
        ("ready", "waiting for LaunchDarkly to start the import"),
        ("in_progress", "LaunchDarkly is importing the keys"),
        ("validating", "unknown status; still waiting"),
    ],
)
def test_every_status_has_its_own_words(status: str | None, words: str) -> None:
    """The message says what must happen next; before the first response nothing is known."""
    way = ((status, 1.0),) if status else ()
    assert waiting_for(progress(*way)) == words
    assert waiting_for(progress(*way, polls=0)) == "waiting for the first response"


def test_polls_are_counted() -> None:
    """One poll is not plural."""
    assert [polls(progress(polls=count)) for count in (0, 1, 2)] == ["0 polls", "1 poll", "2 polls"]
