"""What a wait tells: its events, its trouble, and the message of each end that is not about its status."""

from __future__ import annotations

from random import Random

import pytest

from tests.support.driving import (
    EPOCH,
    MISSING,
    NETWORK,
    REF,
    SERVER,
    THROTTLED,
    Driven,
    seen,
)
from watcher.core.answers.rate_limits import Hold
from watcher.core.answers.replies import Reply
from watcher.core.events import Ended, MetThrottle, Retrying, Watching
from watcher.core.messages import outcomes as messages
from watcher.core.model import ImportRef, Instant
from watcher.core.policy import Policy
from watcher.core.statuses import ImportStatus, Outcome, UnknownStatusRule
from watcher.core.wait.steps import Step
from watcher.core.wait.waiter import Waiter

OTHER = ImportRef("default", "production", "big-spenders", "other")
CONTINUES = "The import continues: watch it again with the same target."


def end_of(step: Step | None) -> Ended | None:
    """Return the end in a step, if it is one."""
    if step is None:
        return None
    (ended,) = step.events
    assert isinstance(ended, Ended)
    assert step.wake_at is None
    return ended


def test_a_wait_begins_with_its_goal_and_a_poll_at_once() -> None:
    """The first event has the goal and the state of the wait, and the first poll is due at once."""
    now = Instant(50.0, EPOCH + 50.0)
    waiter = Waiter(REF, Policy(timeout=60.0), now, Random(0))
    step = waiter.begin(now)
    (watching,) = step.events
    assert watching == Watching(REF, now, waiter.progress(now), "until complete, for at most 1m")
    assert (step.wake_at, step.deadline) == (50.0, 110.0)


@pytest.mark.parametrize(
    ("replies", "trouble"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param([NETWORK], f"no usable response for 5s: {NETWORK.detail}", id="a fault"),
        pytest.param([NETWORK, SERVER], f"no usable response for 6s: {SERVER.detail}", id="an outage"),
        pytest.param([THROTTLED], "rate limited", id="a 429"),
        pytest.param([THROTTLED, seen("ready")], None, id="a 429 that is over"),
        pytest.param([NETWORK, THROTTLED], "rate limited", id="a 429 after an outage"),
        pytest.param([NETWORK, seen("ready")], None, id="an outage that is over"),
        pytest.param([MISSING], None, id="an import that may appear"),
        pytest.param([NETWORK, MISSING], None, id="an import that may appear, after an outage"),
    ],
)
def test_trouble_is_what_makes_the_status_old(replies: list[Reply], trouble: str | None) -> None:
    """Outages and rate limits are named while they last, with the age and the last error of an outage."""
    driven = Driven()
    for at, reply in enumerate(replies, start=1):
        driven.receive(reply, at=float(at))
    now = Instant(len(replies) + 5.0, EPOCH)
    assert driven.waiter.trouble(now) == trouble


def test_a_missing_import_is_reported_with_its_number() -> None:
    """Each 404 before first sight is reported and counted, and a fault between them starts a new count."""
    driven = Driven(Policy(appear_within=30.0))
    for reply in (MISSING, MISSING, MISSING, SERVER, MISSING):
        driven.receive(reply)
    detail = f"no such import yet: {MISSING.error}"
    told = [(retry.detail, retry.in_a_row) for retry in driven.told(Retrying)]
    assert told == [(detail, 1), (detail, 2), (detail, 3), (SERVER.detail, 1), (detail, 1)]
    assert driven.waiter.progress(driven.instant()).errors == 5


def test_a_remembered_single_poll_ends_at_a_404() -> None:
    """The message quotes the 404, and suggests to check the keys while a later run may still see it."""
    driven = Driven(Policy(once=True, remembered=True))
    driven.receive(MISSING)
    assert driven.ended.message == f"no such import yet: {MISSING.error}. Check again later."


@pytest.mark.parametrize(
    ("hold", "told", "quoted"),
    [
        (Hold(5.0, 7.0, named=True, in_a_row=3), (6.0, 4.0, 3), "; the API asks to wait 4s"),
        (Hold(1.0, 3.0, named=False, in_a_row=2), (2.0, None, 2), ""),
    ],
)
def test_a_429_is_told_or_ends_a_single_poll(
    hold: Hold, told: tuple[float, float | None, int], quoted: str
) -> None:
    """The event has the wait and its number; a single poll ends, and its message quotes the 429."""
    driven = Driven(Policy(min_interval=25.0, max_interval=25.0))
    driven.receive(THROTTLED, at=1.0, hold=hold)
    (event,) = driven.told(MetThrottle)
    assert (event.wait, event.named_wait, event.in_a_row) == told
    assert driven.wake_at == hold.resume_at
    assert (event.progress.throttled, event.progress.errors) == (1, 0)
    single = Driven(Policy(once=True))
    single.receive(THROTTLED, at=1.0, hold=hold)
    assert single.ended.message == (
        f"rate limited: {THROTTLED.error}{quoted}; the import was not seen. "
        "Check again later; other programs may be using up the same limit."
    )


def test_a_429_without_a_hold_is_followed_by_the_next_poll() -> None:
    """Without any hold, a 429 delays nothing and counts as the first."""
    driven = Driven(Policy(min_interval=5.0, max_interval=5.0))
    driven.receive(THROTTLED, at=1.0)
    (event,) = driven.told(MetThrottle)
    assert (event.named_wait, event.in_a_row) == (None, 1)
    assert driven.wake_at == pytest.approx(6.0, abs=0.5)


def test_a_timeout_quotes_the_last_429() -> None:
    """A 429 is the last error until the wait ends."""
    driven = Driven(Policy(timeout=10.0))
    driven.receive(seen("in_progress"), at=0.0)
    driven.receive(THROTTLED, at=8.0, hold=Hold(8.0, 10.0, named=False, in_a_row=1))
    driven.receive(seen("in_progress"), at=10.0)
    assert f"last error 2s ago: {THROTTLED.error}" in driven.ended.message


def test_an_unknown_status_that_fails_the_wait_is_named() -> None:
    """The message quotes the status and says what to do."""
    driven = Driven(Policy(unknown_status=UnknownStatusRule.FAIL))
    driven.receive(seen("validating"))
    assert driven.ended.message == f'unknown status "validating". {messages.CHECK_UNKNOWN_STATUS}'


@pytest.mark.parametrize(("at", "outcome"), [(29.9, Outcome.PENDING), (30.0, Outcome.TIMEOUT)])
def test_a_single_poll_at_the_deadline_is_a_timeout(at: float, outcome: Outcome) -> None:
    """A single poll is in time only before the deadline."""
    driven = Driven(Policy(once=True, timeout=30.0))
    driven.receive(seen("preparing"), at=at)
    assert driven.outcome is outcome


@pytest.mark.parametrize(
    ("outcome", "succeeded", "fact"),
    [
        (Outcome.COMPLETE, True, "succeeded first"),
        (Outcome.STOPPED, False, "failed first"),
        (Outcome.STOPPED, True, "ended first (stopped)"),
    ],
)
def test_an_import_left_behind_names_the_decisive_one(
    outcome: Outcome, fact: str, *, succeeded: bool
) -> None:
    """The message says which import ended the whole watch, and how."""
    driven = Driven()
    ended = end_of(driven.waiter.leave_behind(OTHER, outcome, driven.instant(), succeeded=succeeded))
    assert ended is not None
    assert ended.message == f"stopped watching: {OTHER} {fact}; the import was not seen. Check again later."


def test_an_interrupt_names_signal_and_time() -> None:
    """The message names the signal, the time since the wait began, and the last status."""
    driven = Driven()
    driven.receive(seen("in_progress"), at=30.0)
    ended = end_of(driven.waiter.interrupt(15, Instant(93.0, EPOCH + 93.0)))
    assert ended is not None
    assert ended.message == (
        f"interrupted by SIGTERM after 1m33s; last status in_progress for 1m03s. {CONTINUES}"
    )
    assert ended.outcome is Outcome.INTERRUPTED


@pytest.mark.parametrize(
    ("hold", "fact"),
    [
        (Hold(45.0, 48.0, named=True, in_a_row=1), "not polled: the API asks to wait 35s"),
        (Hold(10.0, 48.0, named=False, in_a_row=1), "not polled: rate limited for another 38s"),
    ],
)
def test_a_hold_that_prevents_a_single_poll_is_named(hold: Hold, fact: str) -> None:
    """The message says what prevents the poll, and for how long."""
    driven = Driven(Policy(once=True, outage_budget=30.0))
    ended = end_of(driven.waiter.end_if_held(hold, Instant(10.0, EPOCH + 10.0)))
    assert ended is not None
    assert (ended.outcome, ended.message) == (Outcome.UNAVAILABLE, f"{fact}. Check again later.")


@pytest.mark.parametrize(
    ("policy", "fact"),
    [
        (Policy(timeout=30.0), "timed out after 30s; no last poll was possible"),
        (
            Policy(max_in_state={ImportStatus.READY: 20.0}),
            "timed out: ready for more than 20s; no last poll was possible",
        ),
    ],
)
def test_a_wait_without_a_last_poll_ends_at_its_deadline(policy: Policy, fact: str) -> None:
    """At the deadline a wait ends without a last poll, and the message names the limit."""
    driven = Driven(policy)
    driven.receive(seen("ready"), at=10.0)
    ended = end_of(driven.waiter.end_unpolled(None, Instant(30.0, EPOCH + 30.0)))
    assert ended is not None
    assert ended.outcome is Outcome.TIMEOUT
    assert ended.message.startswith(fact)
