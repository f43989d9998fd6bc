"""Tests of imports that are watched together: begin, heartbeats, pauses, and which outcome ends all waits."""

from __future__ import annotations

import math

import pytest

from tests.support.driving import EPOCH, NETWORK, answer
from tests.support.fleets import DrivenFleet, found, ref, succeeds, throttled
from watcher.core.events import Changed, Ended, Heartbeat, MetThrottle, Retrying, Watching
from watcher.core.model import Import
from watcher.core.policy import Policy, Terms
from watcher.core.statuses import ImportStatus, Outcome
from watcher.core.wait.saved import SavedHold, SavedState, SavedWait

EVERY_SECOND = Policy(min_interval=1.0, max_interval=1.0)
COMPLETE = SavedWait(EPOCH - 60, EPOCH - 30, Import(ImportStatus.COMPLETE))
STOPPED = SavedWait(EPOCH - 60, EPOCH - 30, Import(ImportStatus.STOPPED))


@pytest.fixture
def driven() -> DrivenFleet:
    """Return a fleet without groups."""
    return DrivenFleet()


def held(seconds: float, *, named: bool = True) -> SavedHold:
    """Return a hold of an earlier run, without jitter."""
    return SavedHold(EPOCH + (seconds if named else 0.0), EPOCH + seconds, named)


class TestBegin:
    """The start of all waits."""

    def test_every_wait_begins_in_order(self, driven: DrivenFleet) -> None:
        """Each import is reported and polled, unless an earlier run has already reported it."""
        group = driven.join("a", "b", "c", announced={ref("b")})
        assert [event.ref for event in driven.told(Watching)] == [ref("a"), ref("c")]
        assert (group.size, group.over, group.paused) == (3, False, False)
        assert list(group.progress(driven.instant())) == [ref("a"), ref("b"), ref("c")]
        assert driven.poll().ref == ref("a")

    def test_a_final_import_of_an_earlier_run_is_not_polled(self, driven: DrivenFleet) -> None:
        """Saved final imports end at once; the others continue with their saved state."""
        ready = SavedWait(EPOCH - 50, EPOCH - 20, Import(ImportStatus.READY), polls=4)
        saved = SavedState({ref("a"): COMPLETE, ref("b"): ready})
        group = driven.join("a", "b", saved=saved)
        (ended,) = driven.told(Ended)
        assert (ended.ref, ended.outcome) == (ref("a"), Outcome.COMPLETE)
        assert group.progress(driven.instant())[ref("b")].polls == 4
        assert driven.poll().ref == ref("b")

    def test_a_group_of_final_imports_is_over(self, driven: DrivenFleet) -> None:
        """A group without an unfinished wait is over, and nothing is due."""
        group = driven.join("a", saved=SavedState({ref("a"): COMPLETE}))
        assert group.over
        assert (driven.due().to_poll, driven.wakes_at()) == ([], math.inf)
        assert driven.join().over

    def test_a_saved_outcome_can_decide_the_whole_watch(self, driven: DrivenFleet) -> None:
        """The end of one wait at its begin ends the others, each once."""
        saved = SavedState({ref("b"): COMPLETE, ref("c"): STOPPED})
        group = driven.join("a", "b", "c", saved=saved, any_suffices=True)
        told = [(ended.ref, ended.outcome, ended.left_behind) for ended in driven.told(Ended)]
        assert told == [
            (ref("b"), Outcome.COMPLETE, False),
            (ref("a"), Outcome.PENDING, True),
            (ref("c"), Outcome.PENDING, True),
        ]
        assert group.over

    def test_a_saved_hold_delays_the_first_poll(self, driven: DrivenFleet) -> None:
        """A hold of an earlier run applies to all groups of the fleet."""
        driven.join("a", saved=SavedState(hold=held(20.0)))
        driven.join("b")
        assert driven.due().to_poll == []
        assert driven.wakes_at() == 20.0
        assert driven.poll(20.0).ref == ref("a")

    @pytest.mark.parametrize(("timeout", "ended"), [(30.0, []), (19.0, [Outcome.TIMEOUT])])
    def test_a_saved_hold_past_the_deadline_ends_a_wait_at_once(
        self, driven: DrivenFleet, timeout: float, ended: list[Outcome]
    ) -> None:
        """A wait does not begin if the API asked an earlier run to wait past its deadline."""
        driven.join("a", policy=Policy(timeout=timeout), saved=SavedState(hold=held(20.0)))
        assert [event.outcome for event in driven.told(Ended)] == ended

    def test_a_single_poll_that_a_saved_hold_prevents_names_the_earlier_run(
        self, driven: DrivenFleet
    ) -> None:
        """The message says that the wait is not this run's."""
        driven.join("a", policy=Policy(once=True), saved=SavedState(hold=held(50.0)))
        assert driven.told(Ended)[0].message == (
            "not polled: the API asked an earlier run to wait; 50s left. Check again later."
        )

    def test_a_hold_that_ends_now_ends_no_new_wait(self, driven: DrivenFleet) -> None:
        """A single poll is possible at the very end of a hold, even if its time is up at once."""
        driven.join("a", saved=SavedState(hold=held(20.0)))
        driven.now = 20.0
        driven.join("b", policy=Policy(once=True, timeout=0.0))
        assert driven.told(Ended) == []

    def test_before_its_begin_a_group_has_no_imports(self, driven: DrivenFleet) -> None:
        """A group that has just joined is empty and needs nothing."""
        group = driven.fleet.join(Terms(Policy(), succeeds, heartbeat=5.0))
        assert (group.size, group.over, driven.wakes_at()) == (0, True, math.inf)

    def test_a_hold_of_another_group_ends_a_new_one_at_once(self, driven: DrivenFleet) -> None:
        """The present hold applies to a group that joins later."""
        driven.join("a", saved=SavedState(hold=held(20.0)))
        driven.join("b", policy=Policy(timeout=19.0))
        (ended,) = driven.told(Ended)
        assert (ended.ref, ended.outcome) == (ref("b"), Outcome.TIMEOUT)


class TestEnds:
    """Which outcome ends all waits."""

    @pytest.mark.parametrize(
        ("status", "any_suffices", "fail_fast", "left_behind"),
        [
            ("complete", False, False, False),
            ("stopped", False, False, False),
            ("complete", True, False, True),
            ("stopped", True, False, False),
            ("complete", False, True, False),
            ("stopped", False, True, True),
        ],
    )
    def test_an_outcome_can_decide_the_whole_watch(
        self, driven: DrivenFleet, status: str, *, any_suffices: bool, fail_fast: bool, left_behind: bool
    ) -> None:
        """A success ends all waits with any_suffices, a failure with fail_fast, and nothing else does."""
        group = driven.join("a", "b", any_suffices=any_suffices, fail_fast=fail_fast)
        other = driven.join("c")
        driven.receive(driven.poll(), found("a", status), at=1.0)
        told = [(ended.ref, ended.left_behind) for ended in driven.told(Ended)]
        assert told == [(ref("a"), False)] + [(ref("b"), True)] * left_behind
        assert group.over is left_behind
        assert not other.over
        if left_behind:
            fact = "succeeded" if status == "complete" else "failed"
            assert f"{ref('a')} {fact} first" in driven.told(Ended)[1].message

    def test_an_interrupt_ends_each_wait_as_interrupted(self, driven: DrivenFleet) -> None:
        """A signal decides about every wait of a group, not about those of others."""
        group, other = driven.join("a", "b", fail_fast=True), driven.join("c")
        driven.now = 3.0
        driven.take((group, event) for event in group.interrupt(2, driven.instant()))
        told = [(ended.ref, ended.outcome, ended.signal) for ended in driven.told(Ended)]
        assert told == [(ref("a"), Outcome.INTERRUPTED, 2), (ref("b"), Outcome.INTERRUPTED, 2)]
        assert (group.over, other.over) == (True, False)

    def test_a_withdrawn_group_is_forgotten(self, driven: DrivenFleet) -> None:
        """A withdrawn group sends nothing more, its request in flight is cancelled, and nothing is told."""
        group = driven.join("a", "b", heartbeat=5.0)
        poll = driven.poll()
        driven.fleet.withdraw(group)
        assert driven.fleet.take_abandoned() == [poll]
        assert (group.over, driven.told(Ended)) == (True, [])
        assert driven.due(99.0).to_poll == []
        assert driven.wakes_at() == math.inf
        assert list(driven.fleet.heartbeats(driven.instant())) == []
        driven.fleet.withdraw(group)

    @pytest.mark.parametrize(
        ("policy", "ends"),
        [
            (Policy(timeout=19.0), True),
            (Policy(timeout=21.0), False),
            (Policy(once=True, outage_budget=19.0), True),
            (Policy(once=True, outage_budget=21.0), False),
        ],
    )
    def test_a_429_of_one_group_ends_waits_that_it_outlasts(
        self, driven: DrivenFleet, policy: Policy, *, ends: bool
    ) -> None:
        """A hold ends the waits of other groups that cannot be polled in time, but no request in flight."""
        driven.join("a")
        driven.join("b", policy=policy)
        driven.receive(driven.poll(), throttled(retry_after="20"), at=0.0)
        assert [event.ref for event in driven.told(Ended)] == [ref("b")] * ends

    def test_a_request_in_flight_decides_before_a_hold(self, driven: DrivenFleet) -> None:
        """A wait with a request in flight is not ended by another's 429: its reply may be final."""
        driven.join("a", "b", policy=Policy(timeout=19.0))
        first, second = driven.poll(0.0), driven.poll(2.0)
        driven.receive(first, throttled(retry_after="60"), at=3.0)
        assert [event.ref for event in driven.told(Ended)] == [ref("a")]
        driven.receive(second, found("b", "complete"), at=3.5)
        assert driven.told(Ended)[-1].outcome is Outcome.COMPLETE

    def test_a_backoff_past_the_deadline_ends_no_other_wait(self, driven: DrivenFleet) -> None:
        """A 429 that names no time is a guess, so other waits still have their last polls."""
        driven.join("a", saved=SavedState(hold=held(20.0, named=False)))
        driven.join("b", policy=Policy(timeout=5.0))
        assert driven.told(Ended) == []

    def test_an_expired_wait_ends_with_a_timeout(self, driven: DrivenFleet) -> None:
        """A wait for which no last poll was possible ends, and only once."""
        driven.join("a", policy=Policy(timeout=5.0))
        (expired,) = driven.due(15.0, capacity=0).expired
        for _ in range(2):
            driven.take(driven.fleet.end([expired], driven.instant()))
        (ended,) = driven.told(Ended)
        assert ended.outcome is Outcome.TIMEOUT
        assert "no last poll was possible" in ended.message

    def test_a_wait_that_a_hold_of_a_later_group_outlasts_ends_at_its_deadline(
        self, driven: DrivenFleet
    ) -> None:
        """The message says that the API asks to wait, and for how long."""
        driven.join("a", policy=Policy(timeout=30.0))
        driven.join("b", saved=SavedState(hold=held(40.0)))
        driven.take(driven.fleet.end(driven.due(30.0).expired, driven.instant()))
        (ended,) = driven.told(Ended)
        assert ended.message.startswith("timed out: the API asks to wait 10s, past the timeout of 30s; ")


class TestLastPolls:
    """The last poll of each import, at its deadline."""

    POLICY = Policy(timeout=10.0, min_interval=1.0, max_interval=1.0)

    def test_a_fault_of_one_import_costs_no_other_one_its_last_poll(self, driven: DrivenFleet) -> None:
        """After the deadline, a hold that a fault caused does not delay the last poll of another import."""
        driven.join("a", "b", policy=self.POLICY)
        for _ in range(2):
            (poll,) = driven.due(capacity=1).to_poll
            driven.receive(poll, found(poll.ref.import_id, "ready"))
        (last,) = driven.due(10.0, capacity=1).to_poll
        driven.receive(last, answer({}, 503, retry_after="5"), at=10.2)
        assert [ended.ref for ended in driven.told(Ended)] == [last.ref]
        assert driven.poll().ref != last.ref

    def test_a_429_of_one_import_costs_no_other_one_its_only_poll(self, driven: DrivenFleet) -> None:
        """With ``once``, a 429 that names no time leaves the other imports their poll."""
        driven.join("a", "b", policy=Policy(timeout=10.0, once=True, outage_budget=30.0))
        (poll,) = driven.due(capacity=1).to_poll
        driven.receive(poll, throttled(), at=10.1)
        assert [ended.ref for ended in driven.told(Ended)] == [ref("a")]
        assert driven.poll().ref == ref("b")


class TestHeartbeats:
    """Reports while nothing changes."""

    def test_a_heartbeat_comes_after_a_time_without_an_event(self, driven: DrivenFleet) -> None:
        """One import is reported on behalf of all, each time that nothing was told for the whole interval."""
        driven.now = 100.0
        group = driven.join("a", "b", heartbeat=10.0)
        assert group.next_heartbeat == 110.0
        assert list(group.heartbeat(driven.instant())) == []
        driven.now = 109.9
        assert list(group.heartbeat(driven.instant())) == []
        driven.now = 110.0
        (beat,) = group.heartbeat(driven.instant())
        assert isinstance(beat, Heartbeat)
        assert (beat.ref, beat.at, beat.waiting, beat.trouble) == (ref("a"), driven.instant(), 2, None)
        assert group.next_heartbeat == 120.0
        assert list(group.heartbeat(driven.instant())) == []

    def test_only_changes_delay_a_heartbeat(self, driven: DrivenFleet) -> None:
        """Retries and 429s are no news about an import, a transition is."""
        group = driven.join("a", policy=EVERY_SECOND, heartbeat=60.0)
        driven.receive(driven.poll(), NETWORK, at=1.0)
        assert (len(driven.told(Retrying)), group.next_heartbeat) == (1, 60.0)
        driven.receive(driven.poll(2.0), throttled(), at=2.0)
        assert (len(driven.told(MetThrottle)), group.next_heartbeat) == (1, 60.0)
        driven.receive(driven.poll(9.0), found("a"), at=9.0)
        assert (len(driven.told(Changed)), group.next_heartbeat) == (1, 69.0)

    def test_groups_have_heartbeats_of_their_own(self, driven: DrivenFleet) -> None:
        """The fleet wakes up for the first one, and reports each group that has been silent."""
        fast, _ = driven.join("a", heartbeat=20.0), driven.join("b")
        slow = driven.join("c", heartbeat=30.0)
        driven.fleet.withdraw(driven.join("d", heartbeat=1.0))
        driven.receive(driven.poll(), found("a"))
        for poll in driven.due().to_poll:
            driven.receive(poll, found(poll.ref.import_id))
        assert driven.due(10.0, capacity=0).to_poll == []
        assert driven.wakes_at(can_send=False) == 20.0
        told = []
        for now in (19.9, 20.0, 30.0, 40.0):
            driven.now = now
            told.append([group for group, _ in driven.fleet.heartbeats(driven.instant())])
        assert told == [[], [fast], [slow], [fast]]

    def test_a_group_that_is_over_or_paused_has_none(self, driven: DrivenFleet) -> None:
        """Nobody reads a heartbeat of a paused group."""
        group = driven.join("a", heartbeat=10.0)
        group.pause()
        assert group.next_heartbeat == math.inf
        group.resume(driven.instant())
        assert group.next_heartbeat == 10.0
        driven.receive(driven.poll(), found("a", "complete"))
        assert group.next_heartbeat == math.inf

    def test_a_heartbeat_says_when_the_next_poll_is(self, driven: DrivenFleet) -> None:
        """The time until the next poll includes holds, and is unknown while a request is in flight."""
        group = driven.join("a", policy=Policy(min_interval=10.0, max_interval=10.0))
        assert snapshot(driven, "a").next_poll == 0.0
        poll = driven.poll()
        assert snapshot(driven, "a").next_poll is None
        driven.receive(poll, found("a"))
        driven.now = 4.0
        assert snapshot(driven, "a").next_poll == 5.0
        driven.now = 11.0
        assert snapshot(driven, "a").next_poll == 0.0
        poll = driven.poll()
        driven.join("b")
        other = driven.poll(12.0)
        driven.receive(poll, found("a"))
        driven.receive(other, throttled(retry_after="60"))
        driven.now = 20.0
        beat = snapshot(driven, "a")
        assert (beat.next_poll, beat.trouble) == (52.0, None)
        assert beat.progress == group.progress(driven.instant())[ref("a")]

    def test_a_heartbeat_knows_of_the_last_poll_at_the_deadline(self, driven: DrivenFleet) -> None:
        """A hold past the deadline is cut to one last poll at the deadline, also in the announced wait."""
        driven.join("a", policy=Policy(timeout=100.0))
        driven.receive(driven.poll(), answer({}, 503, retry_after="600"))
        (retrying,) = driven.told(Retrying)
        assert retrying.wait == 100.0
        driven.now = 60.0
        assert snapshot(driven, "a").next_poll == 40.0
        assert driven.poll(100.0).ref == ref("a")

    def test_a_heartbeat_says_why_a_status_may_be_old(self, driven: DrivenFleet) -> None:
        """During an outage the state of an import names the last fault and the age of the outage."""
        driven.join("a")
        driven.receive(driven.poll(), NETWORK, at=1.0)
        driven.now = 9.0
        assert snapshot(driven, "a").trouble == f"no usable response for 8s: {NETWORK.detail}"

    def test_there_is_no_snapshot_of_another_or_ended_import(self, driven: DrivenFleet) -> None:
        """Only an import whose wait goes on has a present state."""
        group = driven.join("a")
        assert group.snapshot(ref("b"), driven.instant()) is None
        driven.receive(driven.poll(), found("a", "complete"))
        assert group.snapshot(ref("a"), driven.instant()) is None


def snapshot(driven: DrivenFleet, name: str) -> Heartbeat:
    """Return the present state of an import of the first group."""
    beat = driven.events[0][0].snapshot(ref(name), driven.instant())
    assert beat is not None
    return beat


class TestPauses:
    """Groups whose events nobody reads at present."""

    def test_a_paused_group_is_not_polled(self, driven: DrivenFleet) -> None:
        """No request is sent for a paused group; the others go on."""
        group = driven.join("a", "b")
        driven.join("c")
        group.pause()
        paused = [group.paused]
        assert driven.poll().ref == ref("c")
        assert driven.due(500.0).to_poll == []
        group.resume(driven.instant())
        assert [*paused, group.paused] == [True, False]
        assert driven.poll(502.0).ref == ref("a")

    def test_a_deadline_that_passed_in_a_pause_allows_one_more_poll(self, driven: DrivenFleet) -> None:
        """After a pause past the deadline, the next reply decides."""
        group = driven.join("a", policy=Policy(timeout=50.0, outage_budget=30.0))
        group.pause()
        assert (driven.due(200.0).to_poll, driven.due().expired) == ([], [])
        group.resume(driven.instant())
        poll = driven.poll()
        assert poll.deadline == 230.0
        driven.receive(poll, found("a"))
        assert driven.told(Ended)[0].outcome is Outcome.TIMEOUT

    def test_an_import_is_polled_at_the_time_of_its_step(self, driven: DrivenFleet) -> None:
        """Each step of a wait sets its next poll, its deadline and its connection."""
        driven.join("a", policy=Policy(min_interval=4.0, max_interval=4.0, timeout=100.0))
        driven.receive(driven.poll(), found("a", "in_progress"), at=1.0)
        assert driven.wakes_at() == pytest.approx(1.0 + 3.6)
        poll = driven.poll(4.6)
        assert (poll.deadline, poll.fresh) == (100.0, False)
        missing = {"code": "not_found", "message": "Invalid resource identifier"}
        driven.receive(poll, found("a", "in_progress"), at=5.0)
        poll = driven.poll(9.0)
        driven.receive(poll, answer(missing, 404), at=9.0)
        assert driven.poll(13.0).fresh
