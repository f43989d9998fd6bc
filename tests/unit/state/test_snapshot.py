"""Tests of the state that a program saves between two waits."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.support.driving import EPOCH, THROTTLED, Driven, seen
from watcher.core.answers.rate_limits import Hold
from watcher.core.errors import UsageError
from watcher.core.events import Event
from watcher.core.model import Import, ImportFile, ImportRef, Instant
from watcher.core.policy import Policy
from watcher.core.wait.saved import SavedHold, SavedWait
from watcher.state.snapshot import decode, encode

LONGEST = ImportRef(
    "a-project-with-a-long-key",
    "production-eu-west",
    "big-spenders-of-last-year",
    "1234a567-bcd8-9123-4567-abcd1234567f",
)


def event_after(*statuses: str) -> Event:
    """Return the last event of an import that went through these statuses, one every 1000.1234567 s."""
    driven = Driven(Policy(timeout=1e9))
    for number, status in enumerate(statuses, 1):
        driven.receive(seen(status), at=1000.1234567 * number)
    return driven.events[-1]


def test_a_state_brings_back_the_wait() -> None:
    """Clocks, counters, status and transitions are those of the event, to the millisecond."""
    event = event_after("preparing", "ready")
    snapshot = decode(encode(event))
    assert (snapshot.ref, snapshot.hold) == (event.ref, None)
    wait, original = snapshot.wait, SavedWait.after(event)
    assert (wait.began, wait.since) == pytest.approx((original.began, original.since), abs=0.001)
    assert (wait.last, wait.polls) == (original.last, 2)
    assert [(one.source, one.to) for one in wait.transitions] == [(None, "preparing"), ("preparing", "ready")]
    assert wait.transitions[1].elapsed == pytest.approx(2000.247, abs=0.001)


def test_a_state_with_ten_transitions_is_short() -> None:
    """It is under 2 KiB, however many files the import has and however long their names are."""
    event = event_after(*(["pending_approval", "in_progress"] * 5))
    assert len(event.progress.transitions) == 10
    files = tuple(ImportFile(f"{'file' * 20}-{number}.csv", "complete") for number in range(100))
    last = Import("in_progress", "replace", 1_654_104_600_000, files)
    event = replace(
        event, ref=LONGEST, progress=replace(event.progress, last=last, polls=123_456, errors=12_345)
    )
    assert len(encode(event)) < 2048
    assert decode(encode(event)).wait.last == replace(last, files=())


def test_the_files_of_a_small_state_are_kept() -> None:
    """The usual file is part of the result of an import that is final."""
    event = event_after("complete")
    last = Import("complete", "merge", 1, (ImportFile("keys.csv", "complete"),))
    assert decode(encode(replace(event, progress=replace(event.progress, last=last)))).wait.last == last


def test_a_pause_that_the_api_asked_for_is_kept() -> None:
    """Another process does not poll before the time that the API named."""
    driven = Driven(Policy())
    driven.receive(THROTTLED, at=10.0, hold=Hold(70.0, 75.0, named=True))
    assert decode(encode(driven.events[-1])).hold == SavedHold(EPOCH + 70.0, EPOCH + 75.0, named=True)


def test_a_state_is_versioned_json() -> None:
    """It names the program and the version of the format."""
    document = json.loads(encode(event_after("ready")))
    assert (document["program"], document["version"]) == ("watcher", 1)


def changed(**fields: object) -> str:
    """Return a state with other fields."""
    return json.dumps(json.loads(encode(event_after("ready"))) | fields)


NEXT_STEP = "Pass what state_of() returned, or leave it out to start over."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"resume is damaged. {NEXT_STEP}"),
        ("{", f"resume is damaged. {NEXT_STEP}"),
        ("[" * 100_000, f"resume is damaged. {NEXT_STEP}"),
        ("{}", f"resume is not a state of watcher. {NEXT_STEP}"),
        (changed(version=2), f"resume was written by a later version of watcher. {NEXT_STEP}"),
        (changed(wait={}), f"resume is damaged. {NEXT_STEP}"),
        (changed(wait={"began": 1.0, "since": 2.0}), f"resume is damaged. {NEXT_STEP}"),
        (changed(wait={"began": 1e300}), f"resume is damaged. {NEXT_STEP}"),
        (
            changed(wait={"began": 1.0, "since": 1.0, "last": {"status": "a\u202eb"}}),
            f"resume is damaged. {NEXT_STEP}",
        ),
        (changed(more=1), f"resume is damaged. {NEXT_STEP}"),
    ],
)
def test_other_text_is_refused(text: str, message: str) -> None:
    """Text that is no state raises an error with the next step."""
    with pytest.raises(UsageError) as caught:
        decode(text)
    assert str(caught.value) == message


def test_the_other_clock_means_nothing() -> None:
    """The monotonic clock of a process is not part of the state."""
    event = event_after("ready")
    assert encode(event) == encode(replace(event, at=Instant(-5.0, event.at.unix)))
