"""The rules of one wait: transitions, clocks, the witness rule and outages."""

from __future__ import annotations

import math

import pytest

from tests.support.driving import (
    ADVERSE,
    DENIED,
    FORBIDDEN,
    MISSING,
    NETWORK,
    NONSENSE,
    REDIRECTED,
    REF,
    REFUSED,
    SERVER,
    THROTTLED,
    UNKNOWN_HOST,
    WRONG_IMPORT,
    Driven,
    seen,
)
from watcher.core.answers.rate_limits import Hold
from watcher.core.answers.replies import ApiError, Denied, Reply
from watcher.core.events import Changed, Ended, MetThrottle, MetUnknownStatus, Retrying, Watching
from watcher.core.policy import Policy
from watcher.core.statuses import ImportStatus, Outcome, UnknownStatusRule


def named(until: float, *, jitter: float = 0.5) -> Hold:
    """A hold that the API named."""
    return Hold(until, until + jitter, named=True, in_a_row=1)


def test_a_whole_life() -> None:
    """Every change is told once, with the time in the state before, and complete is a success."""
    driven = Driven()
    for status, at in [("preparing", 0), ("preparing", 2), ("in_progress", 5), ("complete", 65)]:
        driven.receive(seen(status), at=float(at))
    changes = [(c.transition.source, c.transition.to, c.transition.in_state) for c in driven.told(Changed)]
    assert changes == [
        (None, "preparing", None),
        ("preparing", "in_progress", 5),
        ("in_progress", "complete", 60),
    ]
    assert driven.outcome is Outcome.COMPLETE
    assert driven.ended.message == "complete after 1m05s"
    assert isinstance(driven.events[0], Watching)


def test_a_step_back_is_unexpected_and_the_wait_goes_on() -> None:
    """A regression is marked, not believed to be an end."""
    driven = Driven()
    driven.receive(seen("in_progress"))
    driven.receive(seen("preparing"))
    assert [change.transition.expected for change in driven.told(Changed)] == [True, False]
    assert not driven.waiter.over


def test_polls_slow_down_and_start_anew_at_a_transition() -> None:
    """The interval grows while nothing changes and is the shortest again after a change."""
    driven = Driven(Policy(min_interval=1.0, max_interval=30.0, growth=1.5))
    waits = []
    for status in ["preparing"] * 12 + ["ready"]:
        driven.receive(seen(status))
        assert driven.wake_at is not None
        waits.append(driven.wake_at - driven.now)
    assert waits[0] == pytest.approx(1, rel=0.1)
    assert waits[11] == pytest.approx(30, rel=0.1)
    assert waits[12] == pytest.approx(1, rel=0.1)


def test_until_an_earlier_status() -> None:
    """A wait for an earlier status ends past it as well, and says where the import is."""
    driven = Driven(Policy(until=ImportStatus.READY))
    driven.receive(seen("preparing"))
    driven.receive(seen("in_progress"))
    assert driven.outcome is Outcome.REACHED
    assert "it is in_progress already" in driven.ended.message


def test_stopped_says_what_to_do() -> None:
    """An import that was stopped does not go on by itself, and the end says so."""
    driven = Driven()
    driven.receive(seen("in_progress"))
    driven.receive(seen("stopped"), at=60.0)
    assert driven.outcome is Outcome.STOPPED
    assert "create a new one" in driven.ended.message


def test_fail_on() -> None:
    """A wait that must not need an approval ends when it does."""
    driven = Driven(Policy(fail_on=frozenset({ImportStatus.PENDING_APPROVAL})))
    driven.receive(seen("pending_approval"))
    assert driven.outcome is Outcome.BLOCKED
    assert "approved" in driven.ended.message


def test_an_unknown_status_is_told_once_and_waited_on() -> None:
    """A status of tomorrow is no error, and its name is told safely."""
    driven = Driven()
    for status in ["preparing", "vali\x1b[2Jdating", "vali\x1b[2Jdating", "preparing", "vali\x1b[2Jdating"]:
        driven.receive(seen(status))
    (told,) = driven.told(MetUnknownStatus)
    assert told.status == "vali\\x1b[2Jdating"
    assert [change.transition.expected for change in driven.told(Changed)] == [True, False, False, False]
    driven.receive(seen("complete"))
    assert driven.outcome is Outcome.COMPLETE


def test_an_unknown_status_ends_the_wait_where_asked() -> None:
    """--unknown-status fail takes it for an answer that makes no sense."""
    driven = Driven(Policy(unknown_status=UnknownStatusRule.FAIL))
    driven.receive(seen("validating"))
    assert driven.outcome is Outcome.PROTOCOL


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("preparing", Outcome.PENDING),
        ("validating", Outcome.PENDING),
        ("complete", Outcome.COMPLETE),
        ("stopped", Outcome.STOPPED),
    ],
)
def test_one_look(status: str, outcome: Outcome) -> None:
    """--once ends at the first usable answer, whatever it shows."""
    driven = Driven(Policy(once=True, timeout=math.inf))
    driven.receive(NETWORK)
    driven.receive(seen(status))
    assert driven.outcome is outcome


def test_one_look_meets_a_rate_limit() -> None:
    """--once does not sit out a rate limit."""
    driven = Driven(Policy(once=True, timeout=math.inf))
    driven.receive(THROTTLED, hold=named(5))
    assert driven.outcome is Outcome.UNAVAILABLE
    assert "rate_limited" in driven.ended.message


def test_one_look_that_comes_too_late_is_a_timeout() -> None:
    """An import is looked at once more before an expired clock is judged."""
    driven = Driven(Policy(once=True, timeout=5.0))
    driven.receive(seen("preparing"), at=6.0)
    assert driven.outcome is Outcome.TIMEOUT


class TestClocks:
    """The user's clocks."""

    def test_the_last_poll_is_at_the_deadline(self) -> None:
        """Sleeps are cut to the deadline, and only an answer at it is judged."""
        driven = Driven(Policy(timeout=10.0, min_interval=4.0, max_interval=4.0, growth=1.0))
        for _ in range(3):
            driven.receive(seen("preparing"))
        assert driven.wake_at == pytest.approx(10.0)
        driven.receive(seen("preparing"))
        assert driven.outcome is Outcome.TIMEOUT
        assert "--timeout 10s" in driven.ended.message
        assert "last status preparing, for 10s" in driven.ended.message

    def test_the_last_poll_can_still_succeed(self) -> None:
        """An end that the poll at the deadline sees is the end."""
        driven = Driven(Policy(timeout=10.0, min_interval=60.0, max_interval=60.0))
        driven.receive(seen("preparing"))
        driven.receive(seen("complete"))
        assert driven.outcome is Outcome.COMPLETE

    def test_time_in_one_state(self) -> None:
        """--max-in-state counts from the first sight of that status, and not for others."""
        driven = Driven(Policy(max_in_state={ImportStatus.PENDING_APPROVAL: 20.0}))
        driven.receive(seen("preparing"), at=0.0)
        driven.receive(seen("pending_approval"), at=100.0)
        while driven.wake_at is not None:
            driven.receive(seen("pending_approval"))
        assert driven.outcome is Outcome.TIMEOUT
        assert driven.now == pytest.approx(120.0)
        assert "--max-in-state pending_approval=20s" in driven.ended.message

    def test_a_change_in_time_stops_the_clock_of_the_state(self) -> None:
        """Once the status has changed, the limit of the one before is nothing."""
        driven = Driven(Policy(max_in_state={ImportStatus.READY: 20.0}, timeout=math.inf))
        driven.receive(seen("ready"), at=0.0)
        driven.receive(seen("in_progress"), at=20.0)
        driven.receive(seen("in_progress"), at=500.0)
        assert not driven.waiter.over

    def test_a_named_wait_past_the_deadline_ends_the_wait_at_once(self) -> None:
        """Nothing is gained by sitting out a wait that cannot be used."""
        driven = Driven(Policy(timeout=30.0))
        driven.receive(seen("preparing"))
        driven.receive(THROTTLED, at=5.0, hold=named(36.0))
        assert driven.outcome is Outcome.TIMEOUT
        assert "asks to wait 31s" in driven.ended.message

    def test_a_named_wait_up_to_the_deadline_keeps_the_last_poll(self) -> None:
        """Only the jitter on top is cut, never the wait."""
        driven = Driven(Policy(timeout=30.0))
        driven.receive(THROTTLED, at=5.0, hold=named(29.0, jitter=3.0))
        assert driven.wake_at == 30.0

    def test_an_unnamed_wait_is_cut_to_the_deadline(self) -> None:
        """Where the API names no moment, the last poll is made."""
        driven = Driven(Policy(timeout=30.0))
        driven.receive(THROTTLED, at=5.0, hold=Hold(5.0, 50.0, named=False, in_a_row=6))
        assert driven.wake_at == 30.0


class TestRateLimits:
    """What a 429 does to one wait."""

    def test_a_throttle_is_told_and_waited_out(self) -> None:
        """The next poll comes at the moment that the limiter set, and says so."""
        driven = Driven()
        driven.receive(THROTTLED, at=1.0, hold=named(9.0, jitter=0.25))
        (told,) = driven.told(MetThrottle)
        assert (told.wait, told.named_wait) == (8.25, 8.0)
        assert driven.wake_at == 9.25

    def test_what_is_told_is_cut_to_the_deadline(self) -> None:
        """The wait that is told is the wait that is made."""
        driven = Driven(Policy(timeout=30.0))
        driven.receive(THROTTLED, at=5.0, hold=Hold(5.0, 50.0, named=False, in_a_row=6))
        (told,) = driven.told(MetThrottle)
        assert told.wait == 25.0

    def test_throttles_are_no_outage(self) -> None:
        """A rate limit can last longer than --outage-budget."""
        driven = Driven(Policy(outage_budget=10.0, timeout=math.inf))
        for n in range(100):
            at = 60.0 * n
            driven.receive(THROTTLED, at=at, hold=Hold(at, at + 60, named=False, in_a_row=n))
        assert not driven.waiter.over

    def test_a_hold_on_a_good_answer_delays_the_next_poll(self) -> None:
        """Nothing left of the window on a 200 holds as much as a 429."""
        driven = Driven()
        driven.receive(seen("preparing"), at=0.0, hold=named(8.0))
        assert driven.wake_at == 8.5

    def test_a_shared_hold_past_the_deadline_ends_a_wait_that_only_slept(self) -> None:
        """Another import's 429 holds for all, and past a deadline it ends the wait."""
        driven = Driven(Policy(timeout=30.0))
        driven.receive(seen("preparing"))
        assert driven.waiter.end_if_held(named(29.0), driven.instant()) is None
        step = driven.waiter.end_if_held(named(31.0), driven.instant())
        assert step is not None
        assert step.wake_at is None


class TestWitness:
    """A verdict needs a witness once the import has been seen."""

    @pytest.mark.parametrize("outcome", list(ADVERSE))
    def test_at_first_sight_an_adverse_answer_is_believed(self, outcome: Outcome) -> None:
        """A wrong token or a wrong key shows at once."""
        driven = Driven(Policy(appear_within=0.0))
        driven.receive(ADVERSE[outcome])
        assert driven.outcome is outcome

    @pytest.mark.parametrize("reply", [WRONG_IMPORT, REDIRECTED, REFUSED])
    def test_what_makes_no_sense_ends_with_protocol(self, reply: Reply) -> None:
        """Another import's identity, a redirect and a bad request are one class of end."""
        driven = Driven()
        driven.receive(reply)
        assert driven.outcome is Outcome.PROTOCOL

    @pytest.mark.parametrize("reply", [MISSING, DENIED, FORBIDDEN, REFUSED, REDIRECTED, WRONG_IMPORT])
    def test_once_seen_the_next_answer_must_confirm(self, reply: Reply) -> None:
        """One answer of a proxy or a login page is not believed; two in a row are."""
        driven = Driven()
        driven.receive(seen("in_progress"))
        driven.receive(reply)
        assert not driven.waiter.over
        assert "once more" in driven.told(Retrying)[-1].detail
        driven.receive(reply)
        assert driven.waiter.over

    @pytest.mark.parametrize("reply", [MISSING, DENIED, REFUSED, REDIRECTED, WRONG_IMPORT])
    def test_a_good_answer_clears_the_suspicion(self, reply: Reply) -> None:
        """Two adverse answers with a good one between them are two blips."""
        driven = Driven()
        driven.receive(seen("in_progress"))
        for _ in range(5):
            driven.receive(reply)
            driven.receive(seen("in_progress"))
        driven.receive(seen("complete"))
        assert driven.outcome is Outcome.COMPLETE

    @pytest.mark.parametrize("between", [SERVER, NONSENSE])
    def test_a_server_in_trouble_is_no_witness(self, between: Reply) -> None:
        """A 404 between two 502 is part of the trouble."""
        driven = Driven()
        driven.receive(seen("in_progress"))
        for reply in (MISSING, between, MISSING):
            driven.receive(reply)
        assert not driven.waiter.over

    @pytest.mark.parametrize("between", [NETWORK, THROTTLED])
    def test_what_says_nothing_of_the_import_leaves_the_suspicion(self, between: Reply) -> None:
        """A request without an answer, or refused for its rate, neither confirms nor clears."""
        driven = Driven()
        driven.receive(seen("in_progress"))
        for reply in (MISSING, between, MISSING):
            driven.receive(reply, hold=None)
        assert driven.outcome is Outcome.NOT_FOUND

    def test_a_refusal_ends_an_outage_and_keeps_the_suspicion(self) -> None:
        """A 429 is an answer: a later fault begins a stretch of its own."""
        driven = Driven(Policy(outage_budget=300.0, timeout=math.inf))
        driven.receive(seen("in_progress"), at=0.0)
        driven.receive(MISSING, at=10.0)
        for at in range(20, 320, 60):
            driven.receive(THROTTLED, at=float(at), hold=Hold(at, at + 60.0, named=False, in_a_row=1))
        driven.receive(NETWORK, at=371.0)
        assert not driven.waiter.over
        driven.receive(MISSING, at=372.0)
        assert driven.outcome is Outcome.NOT_FOUND

    def test_another_kind_of_the_same_outcome_does_not_confirm(self) -> None:
        """A redirect and a 400 are two different stories."""
        driven = Driven()
        driven.receive(seen("in_progress"))
        driven.receive(REDIRECTED)
        driven.receive(REFUSED)
        assert not driven.waiter.over

    def test_another_verdict_does_not_confirm(self) -> None:
        """A 404 and a 401 contradict each other; the trouble ends with the outage budget at the latest."""
        driven = Driven(Policy(outage_budget=60.0))
        driven.receive(seen("in_progress"))
        for n in range(1000):
            if driven.waiter.over:
                break
            driven.receive((MISSING, DENIED)[n % 2])
        assert driven.outcome is Outcome.UNAVAILABLE
        assert driven.now >= 60.0

    def test_a_gone_import_says_that_it_was_there(self) -> None:
        """Missing and deleted are different news."""
        driven = Driven()
        driven.receive(seen("in_progress"))
        ended = driven.receive_until_over(MISSING)
        assert ended.outcome is Outcome.NOT_FOUND
        assert "the import is gone" in ended.message
        assert "req-1" in ended.message

    def test_a_new_token_is_tried_before_the_verdict(self) -> None:
        """A 401 with a rotated token file is no verdict, and the next poll comes at once."""
        driven = Driven()
        driven.receive(Denied(ApiError(401), token_changed=True))
        assert driven.wake_at == driven.now
        driven.receive(seen("complete"))
        assert driven.outcome is Outcome.COMPLETE

    def test_only_the_first_new_token_is_tried_at_once(self) -> None:
        """A file that changes at every look makes no storm of requests."""
        driven = Driven(Policy(outage_budget=math.inf))
        waits = []
        for _ in range(8):
            driven.receive(Denied(ApiError(401), token_changed=True))
            assert driven.wake_at is not None
            waits.append(driven.wake_at - driven.now)
        assert waits[0] == 0
        assert sum(waits) > 5

    def test_a_token_file_that_changes_for_ever_ends_with_the_outage_budget(self) -> None:
        """Even a token that is new each time is given up in the end."""
        driven = Driven(Policy(outage_budget=1.0))
        changed = Denied(ApiError(401), token_changed=True)
        driven.receive(changed, at=0.0)
        driven.receive(changed, at=0.5)
        driven.receive(changed, at=1.0)
        assert driven.outcome is Outcome.UNAVAILABLE


class TestAppearing:
    """A 404 before the first sight."""

    def test_a_new_import_may_be_late(self) -> None:
        """The API may not know a new import yet."""
        driven = Driven(Policy(appear_within=30.0))
        driven.receive(MISSING)
        driven.receive(MISSING)
        driven.receive(seen("preparing"))
        assert not driven.waiter.over

    def test_what_is_missing_is_told_after_other_trouble(self) -> None:
        """The first 404 is news, whatever went wrong before."""
        driven = Driven()
        driven.receive(SERVER)
        driven.receive(MISSING)
        driven.receive(SERVER)
        driven.receive(MISSING)
        assert [told.in_a_row for told in driven.told(Retrying)] == [1, 1, 1, 1]

    def test_patience_ends(self) -> None:
        """The last look is at the end of the patience, and then the verdict is told."""
        driven = Driven(Policy(appear_within=30.0))
        ended = driven.receive_until_over(MISSING)
        assert ended.outcome is Outcome.NOT_FOUND
        assert driven.now == pytest.approx(30.0)
        assert "--appear-within" in ended.message

    def test_a_timeout_before_the_patience_ends_says_what_to_check(self) -> None:
        """Whoever mistyped a key and waits but briefly is told of the keys, and not of the network."""
        driven = Driven(Policy(appear_within=30.0, timeout=3.0))
        ended = driven.receive_until_over(MISSING)
        assert ended.outcome is Outcome.TIMEOUT
        assert "Check the four keys" in ended.message

    def test_a_short_hold_takes_nothing_from_the_patience_of_a_look(self) -> None:
        """A look that waits for its import to appear sits out what the API asks for, but not for ever."""
        driven = Driven(Policy(once=True, appear_within=60.0, outage_budget=2.0))
        driven.receive(MISSING)
        now = driven.instant()
        assert driven.waiter.end_if_held(Hold(50.0, 51.0, named=True, in_a_row=1), now) is None
        assert driven.waiter.end_if_held(Hold(61.0, 62.0, named=True, in_a_row=1), now) is not None

    def test_patience_is_for_unseen_imports(self) -> None:
        """An import that was seen is gone, not late."""
        driven = Driven(Policy(appear_within=1000.0))
        driven.receive(seen("preparing"))
        driven.receive(MISSING)
        driven.receive(MISSING)
        assert driven.outcome is Outcome.NOT_FOUND


class TestOutages:
    """Stretches without a usable answer."""

    @pytest.mark.parametrize(
        ("fault", "outcome"),
        [(NETWORK, Outcome.UNAVAILABLE), (SERVER, Outcome.UNAVAILABLE), (NONSENSE, Outcome.PROTOCOL)],
    )
    def test_the_budget_ends_a_stretch(self, fault: Reply, outcome: Outcome) -> None:
        """A stretch is borne as long as allowed, with a last try at its end."""
        driven = Driven(Policy(outage_budget=60.0))
        driven.receive(seen("preparing"), at=0.0)
        began = driven.wake_at
        assert began is not None
        driven.receive_until_over(fault)
        assert driven.outcome is outcome
        assert driven.now == pytest.approx(began + 60.0)

    def test_the_last_fault_judges_a_mixed_stretch(self) -> None:
        """A stretch that ends in nonsense is judged as nonsense, and the other way round."""
        for last, outcome in ((NONSENSE, Outcome.PROTOCOL), (NETWORK, Outcome.UNAVAILABLE)):
            driven = Driven(Policy(outage_budget=60.0))
            driven.receive(NONSENSE if last is NETWORK else NETWORK, at=0.0)
            driven.receive(last, at=60.0)
            assert driven.outcome is outcome

    def test_the_budget_is_for_one_stretch(self) -> None:
        """A good answer between two outages makes two stretches of them."""
        driven = Driven(Policy(outage_budget=60.0))
        for n in range(10):
            driven.receive(NETWORK, at=100.0 * n)
            driven.receive(SERVER, at=100.0 * n + 59)
            driven.receive(seen("preparing"), at=100.0 * n + 60)
        driven.receive(seen("complete"), at=1000.0)
        assert driven.outcome is Outcome.COMPLETE

    def test_the_stretch_counts_from_the_first_failed_request(self) -> None:
        """A request that takes ten seconds to fail has used ten seconds of the budget."""
        driven = Driven(Policy(outage_budget=5.0))
        driven.receive(NETWORK, at=10.0, took=10.0)
        assert driven.outcome is Outcome.UNAVAILABLE

    def test_a_final_status_after_a_fault_is_the_end(self) -> None:
        """A fault just before the end never hides it."""
        driven = Driven()
        driven.receive(seen("in_progress"))
        driven.receive(SERVER)
        driven.receive(seen("complete"))
        assert driven.outcome is Outcome.COMPLETE

    def test_an_unknown_host_gets_half_a_minute_at_first_contact(self) -> None:
        """A typing error in the base URI is not waited for as an outage is."""
        driven = Driven(Policy(outage_budget=300.0))
        driven.receive_until_over(UNKNOWN_HOST)
        assert driven.outcome is Outcome.UNAVAILABLE
        assert driven.now == pytest.approx(30.0)

    def test_an_unknown_host_later_on_is_an_outage_as_any(self) -> None:
        """After an answer the host name is known to be right."""
        driven = Driven(Policy(outage_budget=300.0))
        driven.receive(SERVER, at=0.0)
        driven.receive_until_over(UNKNOWN_HOST)
        assert driven.now == pytest.approx(300.0)

    def test_a_named_wait_past_the_budget_ends_the_wait_at_once(self) -> None:
        """A 503 that asks for longer than the budget allows cannot be waited out."""
        driven = Driven(Policy(outage_budget=60.0))
        driven.receive(SERVER, at=0.0, hold=named(61.0))
        assert driven.outcome is Outcome.UNAVAILABLE
        assert "--outage-budget" in driven.ended.message

    def test_a_named_wait_within_the_budget_is_waited_out(self) -> None:
        """Retry-After on a 503 counts like the one on a 429."""
        driven = Driven(Policy(outage_budget=60.0))
        driven.receive(SERVER, at=0.0, hold=named(20.0))
        assert driven.wake_at == 20.5

    def test_waits_stay_under_a_doubling_ceiling(self) -> None:
        """Faults are asked after with full jitter, from --min-interval to --max-interval."""
        driven = Driven(Policy(min_interval=1.0, max_interval=8.0, outage_budget=math.inf))
        for ceiling in (1, 2, 4, 8, 8, 8):
            driven.receive(NETWORK)
            assert driven.wake_at is not None
            assert 0 <= driven.wake_at - driven.now <= ceiling


def test_a_status_that_wavers_for_ever_fills_no_memory() -> None:
    """Only the latest transitions are kept."""
    driven = Driven(Policy(timeout=math.inf))
    for n in range(3000):
        driven.receive(seen(("preparing", "ready")[n % 2]))
    assert len(driven.waiter.progress(driven.instant()).transitions) == 1000


def test_an_interrupt_tells_the_signal() -> None:
    """A signal ends the wait with where it stood."""
    driven = Driven()
    driven.receive(seen("in_progress"))
    (ended,) = driven.waiter.interrupt(15, driven.instant()).events
    assert isinstance(ended, Ended)
    assert ended.signal == 15
    assert "last status in_progress" in ended.message


def test_being_left_behind_is_pending_and_does_not_count() -> None:
    """--any and --fail-fast leave the others behind without a verdict."""
    driven = Driven()
    driven._take(driven.waiter.leave_behind(REF, driven.instant(), succeeded=False))  # noqa: SLF001 (the helper's own bookkeeping)
    assert driven.outcome is Outcome.PENDING
    assert driven.ended.left_behind


def test_every_unsuccessful_end_has_two_sentences_with_the_last_error() -> None:
    """The end names the last error with the API's own code, message and id, and what to do next."""
    driven = Driven(Policy(timeout=10.0))
    driven.receive(MISSING, at=1.0)
    driven.receive(seen("preparing"), at=2.0)
    driven.receive(seen("preparing"), at=10.0)
    assert driven.ended.message == (
        "timed out: --timeout 10s ran out; last status preparing, for 8s; last error 9s ago: "
        'HTTP 404 not_found "Invalid resource identifier" (id req-1). '
        "The import goes on by itself: look at it in LaunchDarkly, or give it longer."
    )


def test_a_thousand_whole_waits_take_seconds() -> None:
    """The pure core is fast enough to be simulated in bulk."""
    for seed in range(1000):
        driven = Driven(seed=seed)
        for status in ("preparing", "pending_approval", "ready", "in_progress"):
            for _ in range(10):
                driven.receive(seen(status))
        driven.receive(seen("complete"))
        assert driven.outcome is Outcome.COMPLETE
