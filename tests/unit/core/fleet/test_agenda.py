"""Tests of the agenda: which import is polled when, and for whom."""

from __future__ import annotations

import math

import pytest

from tests.support.driving import seen
from tests.support.fleets import Edge, ref, succeeds
from watcher.core.answers.rate_limits import Budget, Hold, Limit, RateLimits
from watcher.core.fleet.agenda import LAST_POLL_GRACE, Agenda, Due, Poll, ScheduledImport
from watcher.core.fleet.group import Group
from watcher.core.fleet.limiter import Limiter
from watcher.core.model import Instant
from watcher.core.policy import Policy, Terms
from watcher.core.wait.waiter import Waiter

NOW = 1000.0


class Plan:
    """An agenda, and its limiter after a response that named the requests left until 1100 s."""

    def __init__(self, *, left: int = 1000, size: int = 1000) -> None:
        self.limiter = Limiter(Edge())
        budget = Budget(Limit.ACCOUNT, size, left, 1, 100.0)
        self.limiter.start(NOW)
        self.limiter.observe(seen("ready"), RateLimits(budgets=(budget,)), NOW, NOW)
        self.agenda = Agenda(self.limiter)

    def add(
        self,
        name: str,
        due: float = NOW,
        *,
        interval: float = 1.0,
        deadline: float = math.inf,
        fresh: bool = False,
    ) -> ScheduledImport:
        """Add a wait that is due at a time."""
        terms = Terms(Policy(), succeeds)
        group = Group(terms, self.agenda, self.limiter, Edge())
        waiter = Waiter(ref(name), terms.policy, Instant(NOW, NOW), Edge())
        scheduled = ScheduledImport(group, waiter, due, interval, deadline, fresh)
        self.agenda.add(scheduled)
        self.agenda.schedule(scheduled)
        return scheduled

    def take(self, now: float = NOW, capacity: int = 100) -> list[str]:
        """Return the names of the imports to poll; none expires."""
        due = self.agenda.take_due(now, capacity)
        assert due.expired == []
        return names(due.to_poll)

    def poll(self, now: float = NOW) -> Poll:
        """Return the only poll to send."""
        (poll,) = self.agenda.take_due(now, 100).to_poll
        return poll

    def wakes_at(self, now: float = NOW, *, can_send: bool = True) -> float:
        """Return when to act next."""
        return self.agenda.next_wakeup(now, can_send=can_send)


def names(polls: list[Poll]) -> list[str]:
    """Return the IDs of the imports that are polled."""
    return [poll.ref.import_id for poll in polls]


@pytest.fixture
def plan() -> Plan:
    """Return an agenda without imports, whose limits allow everything."""
    return Plan()


class TestOrder:
    """Which import is polled first."""

    def test_an_import_is_polled_once_it_is_due(self, plan: Plan) -> None:
        """Nothing is polled before it is due, and nothing twice."""
        plan.add("late", NOW + 5)
        plan.add("soon", NOW + 3)
        assert (plan.take(NOW + 2.9), plan.wakes_at()) == ([], NOW + 3)
        assert (plan.take(NOW + 3), plan.wakes_at(NOW + 3)) == (["soon"], NOW + 5)
        assert (plan.take(NOW + 5), plan.wakes_at(NOW + 5)) == (["late"], math.inf)
        assert plan.take(NOW + 999) == []

    def test_the_latest_for_its_interval_is_first(self, plan: Plan) -> None:
        """Lateness counts in polling intervals, and an import past its deadline comes before all."""
        plan.add("half", NOW, interval=20.0)
        plan.add("twice", NOW + 4, interval=3.0)
        plan.add("whole", NOW + 2, interval=8.0)
        plan.add("last", NOW + 9, interval=100.0, deadline=NOW + 10)
        assert plan.take(NOW + 10) == ["last", "twice", "whole", "half"]

    def test_equals_are_polled_in_their_order(self, plan: Plan) -> None:
        """Imports that are equally late keep the order in which they were scheduled."""
        for name in "abcde":
            plan.add(name)
        assert plan.take(capacity=2) == ["a", "b"]
        assert plan.take(capacity=2) == ["c", "d"]
        assert plan.take(capacity=0) == []
        assert plan.take(capacity=2) == ["e"]

    def test_a_single_free_slot_is_used(self, plan: Plan) -> None:
        """The most urgent import is polled as soon as one request may be sent."""
        plan.add("slow", interval=50.0)
        plan.add("fast")
        assert plan.take(NOW + 1, capacity=1) == ["fast"]

    def test_a_time_without_a_free_slot_changes_no_order(self, plan: Plan) -> None:
        """Imports that are equally urgent are polled in their order, however late they were before."""
        plan.add("a", interval=10.0, deadline=NOW + 5)
        plan.add("b", NOW + 1, interval=1.0, deadline=NOW + 5)
        assert plan.take(NOW + 3, capacity=0) == []
        assert plan.take(NOW + 5) == ["a", "b"]

    def test_limits_stop_at_the_most_urgent(self) -> None:
        """No more is sent than the rate limit allows, and the rest waits for the next window."""
        plan = Plan(left=3, size=4)
        for name in "abcd":
            plan.add(name)
        assert plan.take() == ["a", "b"]
        assert plan.take() == []
        assert plan.wakes_at() == NOW + 100
        assert plan.take(NOW + 100) == ["c"]

    def test_a_wait_that_is_scheduled_again_is_polled_once(self, plan: Plan) -> None:
        """Only the latest time of a wait counts."""
        scheduled = plan.add("a", NOW + 1)
        scheduled.due = NOW + 8
        plan.agenda.schedule(scheduled)
        assert plan.wakes_at() == NOW + 8
        assert plan.take(NOW + 1) == []
        assert plan.take(NOW + 8) == ["a"]

    def test_a_removed_wait_is_not_polled(self, plan: Plan) -> None:
        """Neither a sleeping nor a due wait is polled after it was removed."""
        sleeping, due, _ = plan.add("sleeping", NOW + 1), plan.add("due"), plan.add("other")
        assert plan.take(capacity=0) == []
        assert plan.agenda.take_due(NOW, 0) == Due([], [])
        plan.agenda.remove(sleeping)
        plan.agenda.remove(due)
        assert plan.take(NOW + 2) == ["other"]
        assert plan.wakes_at(NOW + 2) == math.inf


class TestLastPolls:
    """Imports past their deadline."""

    def test_a_last_poll_may_use_the_reserve(self) -> None:
        """Only imports past their deadline use what is reserved for the account's other users."""
        plan = Plan(left=1, size=4)
        plan.add("usual")
        plan.add("last", deadline=NOW)
        plan.add("after", deadline=NOW + 1)
        assert plan.take() == ["last"]
        assert plan.take() == []
        assert plan.wakes_at() == NOW + 1

    def test_a_last_poll_waits_for_a_free_slot(self, plan: Plan) -> None:
        """Without capacity the last poll waits, for as long as the grace lasts."""
        scheduled = plan.add("last", deadline=NOW + 2)
        for now in (NOW + 2, NOW + 2 + LAST_POLL_GRACE - 0.1):
            assert plan.take(now, capacity=0) == []
            assert plan.wakes_at(now, can_send=False) == NOW + 2 + LAST_POLL_GRACE
        due = plan.agenda.take_due(NOW + 2 + LAST_POLL_GRACE, 0)
        assert (due.to_poll, due.expired) == ([], [scheduled])
        assert plan.agenda.take_due(NOW + 100, 100) == Due([], [])
        assert plan.wakes_at() == math.inf

    def test_no_last_poll_is_sent_after_the_grace(self) -> None:
        """After the grace a wait ends, even if its turn has come, unless it was sent with the others."""
        plan = Plan(left=0, size=4)
        scheduled = plan.add("last", deadline=NOW)
        assert plan.agenda.take_due(NOW, 100) == Due([], [scheduled])
        plan = Plan()
        plan.add("last", deadline=NOW)
        assert plan.take(NOW + LAST_POLL_GRACE) == ["last"]

    def test_a_named_time_past_now_ends_a_wait_at_its_deadline(self, plan: Plan) -> None:
        """No last poll is sent before a time that the API named."""
        plan.limiter.apply(Hold(NOW + 5, NOW + 6, named=True, in_a_row=1))
        early, late = plan.add("early", deadline=NOW + 4.9), plan.add("late", deadline=NOW + 5)
        assert plan.agenda.take_due(NOW + 4.9, 100) == Due([], [early])
        assert plan.wakes_at(NOW + 4.9) == NOW + 5
        (poll,) = plan.agenda.take_due(NOW + 5, 100).to_poll
        assert poll.waits == [late]

    def test_several_last_polls_stay_within_the_capacity(self, plan: Plan) -> None:
        """The last polls of one moment are sent as slots become free."""
        plan.limiter.apply(Hold(NOW, NOW + 6, named=True, in_a_row=1))
        for name in "abc":
            plan.add(name, deadline=NOW)
        assert plan.take(capacity=2) == ["a", "b"]
        assert plan.take(capacity=1) == ["c"]

    def test_without_known_limits_a_last_poll_waits_for_the_concurrency(self) -> None:
        """If the limit is unknown, last polls of one moment are not sent all at once."""
        plan = Plan(left=8, size=8)
        plan.limiter.start(NOW + 200)
        plan.limiter.observe(seen("ready"), RateLimits(), NOW + 200, NOW + 200)
        for number in range(10):
            plan.add(f"{number}", deadline=NOW + 200)
        assert len(plan.take(NOW + 200)) == 6
        assert plan.wakes_at(NOW + 200) == NOW + 202
        assert plan.take(NOW + 201.9) == []

    def test_a_paused_import_neither_expires_nor_is_polled(self, plan: Plan) -> None:
        """While nobody reads its events, a wait stays as it is, even past its deadline."""
        scheduled = plan.add("last", deadline=NOW)
        other = plan.add("other", deadline=NOW)
        scheduled.paused = True
        assert plan.take(NOW) == ["other"]
        assert other.poll is not None
        assert plan.take(NOW + 500) == []
        assert plan.wakes_at(NOW + 500) == math.inf
        scheduled.paused = False
        assert plan.take(NOW + 500) == ["last"]


class TestSharedImports:
    """Several waits for the same import."""

    def test_one_request_is_for_all_waits(self, plan: Plan) -> None:
        """The request has the first deadline of its waits, and a new connection if any wait needs one."""
        first = plan.add("a", deadline=NOW + 60)
        second = plan.add("a", NOW + 5, deadline=NOW + 30, fresh=True)
        third = plan.add("a", NOW + 9, deadline=NOW + 90)
        poll = plan.poll()
        assert (poll.waits, poll.deadline, poll.fresh) == ([first, second, third], NOW + 30, True)
        assert [one.poll for one in (first, second, third)] == [poll] * 3
        assert plan.wakes_at() == math.inf
        plan.agenda.finish(poll)
        assert [one.poll for one in (first, second, third)] == [None] * 3
        assert plan.take(NOW + 99) == []

    def test_a_later_wait_has_a_request_of_its_own(self, plan: Plan) -> None:
        """A wait that begins during a request is polled after it, because its reply may be older."""
        first = plan.add("a")
        poll = plan.poll()
        later = plan.add("a")
        assert poll.waits == [first]
        assert plan.take() == []
        assert plan.wakes_at() == math.inf
        plan.agenda.finish(poll)
        assert plan.wakes_at() <= NOW
        assert plan.poll().waits == [first, later]

    def test_a_blocked_wait_wakes_the_agenda_at_the_end_of_its_grace(self, plan: Plan) -> None:
        """While a request for the same import is in flight, only the end of the grace matters."""
        plan.add("a")
        plan.poll()
        plan.add("a", deadline=NOW + 4)
        plan.add("b", NOW + 50)
        assert plan.take(NOW + 4) == []
        assert plan.wakes_at(NOW + 4) == NOW + 4 + LAST_POLL_GRACE
        assert len(plan.agenda.take_due(NOW + 4 + LAST_POLL_GRACE, 100).expired) == 1

    def test_a_blocked_wait_does_not_delay_another(self, plan: Plan) -> None:
        """A blocked import is skipped, and the next one in the order is polled."""
        plan.add("a")
        plan.poll()
        plan.add("a", NOW - 50)
        plan.add("b")
        assert plan.take() == ["b"]

    def test_a_paused_wait_gets_no_reply_and_blocks_nobody(self, plan: Plan) -> None:
        """The reply is not for a paused wait, which is polled when it continues."""
        paused, reader = plan.add("a", deadline=NOW + 1), plan.add("a", deadline=NOW + 8)
        paused.paused = True
        poll = plan.poll()
        assert (poll.waits, poll.deadline) == ([reader], NOW + 8)
        assert (paused.blocked, reader.blocked) == (True, False)
        paused.paused = False
        assert plan.take() == []
        plan.agenda.finish(poll)
        assert plan.take() == ["a"]

    def test_a_request_is_abandoned_with_its_last_wait(self, plan: Plan) -> None:
        """A request is cancelled once nobody needs its reply."""
        first, second = plan.add("a"), plan.add("a")
        poll = plan.poll()
        plan.agenda.remove(first)
        assert plan.agenda.take_abandoned() == []
        assert poll.waits == [second]
        plan.agenda.remove(second)
        assert plan.agenda.take_abandoned() == [poll]
        assert plan.agenda.take_abandoned() == []
        assert first.poll is None

    def test_an_abandoned_request_still_blocks_the_next_one(self, plan: Plan) -> None:
        """An import has one request in flight at a time, even after its last wait was removed."""
        plan.agenda.remove(plan.add("a"))
        plan.add("a")
        poll = plan.poll()
        plan.agenda.remove(poll.waits[0])
        plan.add("a")
        assert plan.take() == []
        plan.agenda.finish(poll)
        assert plan.take() == ["a"]

    def test_a_wait_that_ended_during_its_request_is_not_touched_again(self, plan: Plan) -> None:
        """The reply to a request may arrive after all waits for its import have ended."""
        scheduled = plan.add("a")
        poll = plan.poll()
        plan.agenda.remove(scheduled)
        plan.agenda.finish(poll)
        assert plan.take(NOW + 99) == []


class TestWakeUp:
    """When the loop must act next."""

    def test_without_imports_there_is_nothing_to_do(self, plan: Plan) -> None:
        """An empty agenda never wakes up."""
        assert plan.wakes_at() == math.inf

    def test_a_due_import_waits_for_the_limit_or_its_deadline(self, plan: Plan) -> None:
        """A hold delays a due import, at most until its deadline, when a last poll may be possible."""
        plan.limiter.apply(Hold(NOW, NOW + 50, named=False))
        plan.add("a", deadline=NOW + 60)
        assert plan.take() == []
        assert plan.wakes_at() == NOW + 50
        plan.add("b", deadline=NOW + 20)
        assert plan.take() == []
        assert plan.wakes_at() == NOW + 20
        plan.add("c", NOW + 10, deadline=NOW + 60)
        assert plan.wakes_at() == NOW + 10

    def test_without_a_free_slot_only_the_grace_matters(self, plan: Plan) -> None:
        """While no request can be sent, the next time is when a last poll becomes impossible."""
        plan.add("a", deadline=NOW + 60)
        plan.add("b", deadline=NOW + 30)
        plan.add("c", NOW + 200)
        assert plan.take(capacity=0) == []
        assert plan.wakes_at(can_send=False) == NOW + 30 + LAST_POLL_GRACE
        assert plan.wakes_at(NOW + 30, can_send=False) == NOW + 30 + LAST_POLL_GRACE
        assert plan.wakes_at() <= NOW

    def test_past_the_deadline_the_limit_for_last_polls_matters(self) -> None:
        """A last poll needs no jitter, so it may be possible before the next usual request."""
        plan = Plan()
        plan.limiter.apply(Hold(NOW + 5, NOW + 9, named=True))
        plan.add("a", deadline=NOW + 6)
        assert plan.take() == []
        assert plan.wakes_at() == NOW + 6
        assert plan.wakes_at(NOW + 6) <= NOW + 6
        assert plan.take(NOW + 6) == ["a"]
