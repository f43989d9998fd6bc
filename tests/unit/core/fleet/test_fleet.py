"""Tests of all imports of one base URI: what a reply does to the groups, the limits and the hold."""

from __future__ import annotations

import gc
import math
import weakref

import pytest

from tests.support.driving import NETWORK, SERVER, answer
from tests.support.fleets import DrivenFleet, found, ref, throttled
from watcher.core.answers.rate_limits import Hold
from watcher.core.events import Changed, Ended, MetThrottle, Retrying
from watcher.core.policy import Policy
from watcher.core.statuses import Outcome

ACCOUNT = {
    "date": "Mon, 05 Jan 2026 08:00:00 GMT",
    "x_ratelimit_global_limit": "40",
    "x_ratelimit_global_remaining": "39",
    "x_ratelimit_reset": "1767600010000",
}
"""The account's limit in a response; the window ends ten seconds later."""

USED_UP = {"x_ratelimit_global_limit": "1", "x_ratelimit_global_remaining": "0"}


@pytest.fixture
def driven() -> DrivenFleet:
    """Return a fleet without groups."""
    return DrivenFleet()


def test_a_reply_is_told_to_every_group_that_waits_for_the_import(driven: DrivenFleet) -> None:
    """One request serves all groups, in the order in which they joined."""
    groups = [driven.join("a"), driven.join("a", "b"), driven.join("b")]
    driven.receive(driven.poll(), found("a"), at=1.0)
    told = [(group, event.ref) for group, event in driven.events if isinstance(event, Changed)]
    assert told == [(groups[0], ref("a")), (groups[1], ref("a"))]
    assert [poll.ref for poll in driven.due().to_poll] == [ref("b")]


def test_a_response_is_decoded_for_its_import(driven: DrivenFleet) -> None:
    """A response about another import fails the wait; a fault is retried with the time of its request."""
    driven.join("a", "b", policy=Policy(outage_budget=60.0))
    driven.receive(driven.poll(), found("other"), at=1.0)
    (ended,) = driven.told(Ended)
    assert (ended.ref, ended.outcome) == (ref("a"), Outcome.PROTOCOL)
    driven.receive(driven.poll(), NETWORK, at=61.0, took=60.0)
    assert driven.told(Ended)[-1].outcome is Outcome.UNAVAILABLE


def test_known_limits_allow_many_requests_at_once(driven: DrivenFleet) -> None:
    """The headers of a response count for all imports."""
    driven.join(*map(str, range(50)))
    driven.receive(driven.poll(), found("0", **ACCOUNT), at=0.1)
    assert len(driven.due().to_poll) == 29


def test_the_announced_wait_includes_the_window(driven: DrivenFleet) -> None:
    """A retry is announced for when the limits of all imports allow it."""
    driven.join("a")
    driven.receive(driven.poll(), answer({}, 502, **ACCOUNT | USED_UP), at=5.0)
    (retrying,) = driven.told(Retrying)
    assert retrying.wait == 10.0


def test_the_announced_wait_includes_a_hold_of_another_import(driven: DrivenFleet) -> None:
    """A retry is announced for when the hold that all imports share ends."""
    driven.join("a", "b")
    first, second = driven.poll(0.0), driven.poll(2.0)
    driven.receive(first, answer({}, 502, retry_after="30"), at=3.0)
    driven.receive(second, NETWORK, at=4.0)
    assert [event.wait for event in driven.told(Retrying)] == [30.0, 29.0]


def test_a_429_past_a_deadline_leaves_the_last_poll_to_other_imports(driven: DrivenFleet) -> None:
    """A 429 that names no time says nothing about another import whose last poll waits for its turn."""
    driven.join("a", "b", policy=Policy(timeout=10.0))
    first, second = driven.poll(0.0), driven.poll(9.0)
    driven.receive(first, NETWORK, at=9.5)
    driven.join("c")
    driven.due(9.6, capacity=0)
    driven.receive(second, throttled(), at=10.5)
    assert [event.ref for event in driven.told(Ended)] == [ref("b")]
    assert [poll.ref for poll in driven.due(10.6).to_poll] == [ref("a")]


def test_the_jitter_of_a_hold_ends_no_wait() -> None:
    """A last poll is possible at the time that the API named, whatever arrives at that moment."""
    driven = DrivenFleet(most_jitter=True)
    driven.join("a", "b")
    driven.join("c", policy=Policy(timeout=21.0))
    first, second = driven.poll(0.0), driven.poll(2.0)
    driven.receive(first, throttled(retry_after="18"), at=3.0)
    driven.receive(second, found("b"), at=21.0)
    assert driven.told(Ended) == []
    assert [poll.ref for poll in driven.due().to_poll] == [ref("c")]


def test_a_withdrawn_group_takes_no_memory(driven: DrivenFleet) -> None:
    """A program can watch groups for years with one fleet."""
    group = driven.join("a", heartbeat=60.0)
    remembered = weakref.ref(group)
    driven.fleet.withdraw(group)
    driven.due(1.0)
    driven.events.clear()
    del group
    gc.collect()
    assert remembered() is None


def test_a_hold_is_shared(driven: DrivenFleet) -> None:
    """A 429 for one import delays all."""
    driven.join("a")
    driven.join("b")
    driven.receive(driven.poll(), throttled(retry_after="20"), at=1.0)
    (event,) = driven.told(MetThrottle)
    assert (event.wait, event.named_wait) == (20.0, 20.0)
    assert driven.fleet.hold == Hold(21.0, 21.0, named=True, in_a_row=1)
    assert (driven.due(20.9).to_poll, driven.wakes_at()) == ([], 21.0)
    assert driven.poll(21.0).waits


def test_a_hold_that_is_over_ends_no_wait(driven: DrivenFleet) -> None:
    """Only a hold that has not ended yet can be past a deadline."""
    driven.join("a", "b", policy=Policy(timeout=25.0))
    driven.receive(driven.poll(), throttled(retry_after="20"), at=1.0)
    driven.receive(driven.poll(21.0), found("b"), at=25.0)
    assert [event.ref for event in driven.told(Ended)] == [ref("b")]


def test_a_successor_respects_the_present_hold() -> None:
    """After a defect, no request precedes the time that the API named, and a warning is not lost."""
    warnings: list[str] = []
    driven = DrivenFleet(warnings.append)
    driven.join("a")
    driven.receive(driven.poll(), throttled(retry_after="20"), at=1.0)
    driven.fleet = driven.fleet.successor()
    assert driven.fleet.hold == Hold(21.0, 21.0, named=True, in_a_row=1)
    driven.join("b")
    assert (driven.due(20.9).to_poll, driven.wakes_at()) == ([], 21.0)
    driven.receive(driven.poll(21.0), found("b", retry_after="99999999"))
    assert len(warnings) == 1
    assert DrivenFleet().fleet.successor().hold is None


def test_the_first_implausible_time_is_reported_once() -> None:
    """A gateway with a wrong clock causes one warning, which quotes the field."""
    warnings: list[str] = []
    driven = DrivenFleet(warnings.append)
    driven.join("a", "b")
    driven.receive(driven.poll(), found("a"))
    assert warnings == []
    driven.receive(driven.poll(), found("b", retry_after="99999999"))
    for poll in driven.due(2.0).to_poll:
        driven.receive(poll, found(poll.ref.import_id, retry_after="88888888"))
    assert warnings == ["ignoring an implausible time in the response: retry-after: 99999999"]


def test_without_a_warning_function_an_implausible_time_is_ignored(driven: DrivenFleet) -> None:
    """An implausible time neither delays the next poll nor breaks the watch."""
    driven.join("a")
    driven.receive(driven.poll(), found("a", retry_after="99999999"))
    assert driven.fleet.hold is None
    assert driven.poll(2.0).ref == ref("a")


@pytest.mark.parametrize(
    ("is_response", "allowed"), [pytest.param(False, 1, id="a fault"), pytest.param(True, 2, id="a response")]
)
def test_only_a_response_to_an_abandoned_request_says_something(
    driven: DrivenFleet, *, is_response: bool, allowed: int
) -> None:
    """A cancelled request counts as sent, but its fault says nothing; its response is as good as any."""
    group = driven.join("a")
    driven.join("b", "c", "d")
    poll = driven.poll()
    driven.fleet.withdraw(group)
    driven.receive(poll, found("a") if is_response else SERVER, at=1.0)
    assert (driven.told(Retrying), driven.told(Changed)) == ([], [])
    assert len(driven.due().to_poll) == allowed


def test_a_429_for_an_abandoned_request_delays_all(driven: DrivenFleet) -> None:
    """A 429 counts, whoever waited for the import."""
    group = driven.join("a")
    driven.join("b")
    driven.join("c", policy=Policy(timeout=9.0))
    poll = driven.poll()
    driven.fleet.withdraw(group)
    driven.receive(poll, throttled(retry_after="20"), at=1.0)
    assert [event.ref for event in driven.told(Ended)] == [ref("c")]
    assert (driven.due().to_poll, driven.wakes_at()) == ([], 21.0)


def test_the_fleet_wakes_up_for_polls_and_heartbeats(driven: DrivenFleet) -> None:
    """The first poll or heartbeat decides, and without imports there is nothing to do."""
    assert driven.wakes_at() == math.inf
    driven.join("a", policy=Policy(min_interval=30.0, max_interval=30.0))
    group = driven.join("a", heartbeat=50.0)
    driven.receive(driven.poll(), found("a"), at=0.0)
    assert driven.wakes_at() < 1.0
    driven.fleet.withdraw(group)
    assert driven.wakes_at() == 27.0
    driven.join("b", heartbeat=20.0)
    poll = driven.poll()
    assert driven.wakes_at() == 20.0
    driven.receive(poll, found("b", "complete"), at=1.0)
    assert driven.wakes_at() == 27.0
