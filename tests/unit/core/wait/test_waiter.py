"""Tests of the wait for one import: transitions, deadlines, confirmation and outages."""

from __future__ import annotations

import math

import pytest

from tests.support.driving import (
    ADVERSE,
    CONFLICT,
    DENIED,
    FORBIDDEN,
    MISDIRECTED,
    MISSING,
    MISSING_PAGE,
    NETWORK,
    PROXY,
    REDIRECT,
    REF,
    REFUSED,
    REFUSING_PAGE,
    SERVER,
    SIGN_IN_PAGE,
    THROTTLED,
    UNKNOWN_HOST,
    WRONG_IMPORT,
    Driven,
    seen,
)
from watcher.core.answers.rate_limits import Hold
from watcher.core.answers.replies import ApiError, Denied, Fault, FaultKind, Reply
from watcher.core.events import Changed, Ended, MetThrottle, MetUnknownStatus, Retrying, Watching
from watcher.core.policy import Policy
from watcher.core.statuses import ImportStatus, Outcome, UnknownStatusRule


def named(until: float, *, jitter: float = 0.5) -> Hold:
    """Return a hold until a time that the API named."""
    return Hold(until, until + jitter, named=True, in_a_row=1)


def fault_hold(now: float, until: float) -> Hold:
    """Return a hold until a time that a fault named."""
    return Hold(until, until + 0.5, named=True, binds_until=now)


def test_a_whole_life() -> None:
    """Each transition is reported once with the time in the previous status, and complete is a success."""
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
    """A step back is marked as unexpected and does not end the wait."""
    driven = Driven()
    driven.receive(seen("in_progress"))
    driven.receive(seen("preparing"))
    assert [change.transition.expected for change in driven.told(Changed)] == [True, False]
    assert not driven.waiter.over


def test_polls_slow_down_and_restart_at_a_transition() -> None:
    """The interval grows while nothing changes and is the shortest again after a transition."""
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
    """A wait for an earlier status succeeds past it as well, and the message names the present one."""
    driven = Driven(Policy(until=ImportStatus.READY))
    driven.receive(seen("preparing"))
    driven.receive(seen("in_progress"))
    assert driven.outcome is Outcome.REACHED
    assert "now in_progress" in driven.ended.message


def test_stopped_says_what_to_do() -> None:
    """The message of a stopped import says that a new one is needed."""
    driven = Driven()
    driven.receive(seen("in_progress"))
    driven.receive(seen("stopped"), at=60.0)
    assert driven.outcome is Outcome.STOPPED
    assert "create a new one" in driven.ended.message


def test_fail_on() -> None:
    """A wait ends at a status that it must not reach."""
    driven = Driven(Policy(fail_on=frozenset({ImportStatus.PENDING_APPROVAL})))
    driven.receive(seen("pending_approval"))
    assert driven.outcome is Outcome.BLOCKED
    assert "must be approved and applied" in driven.ended.message


def test_an_unknown_status_is_reported_once_and_the_wait_continues() -> None:
    """An unknown status is reported once, in printable form, and the wait continues."""
    driven = Driven()
    for status in ["preparing", "vali\x1b[2Jdating", "vali\x1b[2Jdating", "preparing", "vali\x1b[2Jdating"]:
        driven.receive(seen(status))
    (told,) = driven.told(MetUnknownStatus)
    assert told.status == "vali\\u001b[2Jdating"
    assert [change.transition.expected for change in driven.told(Changed)] == [True, False, False, False]
    driven.receive(seen("complete"))
    assert driven.outcome is Outcome.COMPLETE


def test_an_unknown_status_can_fail_the_wait() -> None:
    """An unknown status fails the wait if the policy says so."""
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
def test_a_single_poll(status: str, outcome: Outcome) -> None:
    """A single poll ends at the first usable answer, whatever its status."""
    driven = Driven(Policy(once=True, timeout=math.inf))
    driven.receive(NETWORK)
    driven.receive(seen(status))
    assert driven.outcome is outcome


def test_a_single_poll_with_a_rate_limit() -> None:
    """A single poll does not wait for a rate limit."""
    driven = Driven(Policy(once=True, timeout=math.inf))
    driven.receive(THROTTLED, hold=named(5))
    assert driven.outcome is Outcome.UNAVAILABLE
    assert "rate_limited" in driven.ended.message


def test_a_single_poll_past_the_deadline_is_a_timeout() -> None:
    """A single poll after the deadline is a timeout."""
    driven = Driven(Policy(once=True, timeout=5.0))
    driven.receive(seen("preparing"), at=6.0)
    assert driven.outcome is Outcome.TIMEOUT


class TestDeadlines:
    """Deadlines."""

    def test_the_last_poll_is_at_the_deadline(self) -> None:
        """The last poll is at the deadline, and the timeout follows its answer."""
        driven = Driven(Policy(timeout=10.0, min_interval=4.0, max_interval=4.0, growth=1.0))
        for _ in range(3):
            driven.receive(seen("preparing"))
        assert driven.wake_at == pytest.approx(10.0)
        driven.receive(seen("preparing"))
        assert driven.outcome is Outcome.TIMEOUT
        assert "timed out after 10s" in driven.ended.message
        assert "last status preparing for 10s" in driven.ended.message

    def test_the_last_poll_can_still_succeed(self) -> None:
        """A final status in the poll at the deadline decides."""
        driven = Driven(Policy(timeout=10.0, min_interval=60.0, max_interval=60.0))
        driven.receive(seen("preparing"))
        driven.receive(seen("complete"))
        assert driven.outcome is Outcome.COMPLETE

    def test_time_in_one_state(self) -> None:
        """The time in a status counts from its first observation."""
        driven = Driven(Policy(max_in_state={ImportStatus.PENDING_APPROVAL: 20.0}))
        driven.receive(seen("preparing"), at=0.0)
        driven.receive(seen("pending_approval"), at=100.0)
        while driven.wake_at is not None:
            driven.receive(seen("pending_approval"))
        assert driven.outcome is Outcome.TIMEOUT
        assert driven.now == pytest.approx(120.0)
        assert "timed out: pending_approval for more than 20s" in driven.ended.message

    def test_a_transition_ends_the_deadline_of_the_status(self) -> None:
        """After a transition the limit of the previous status no longer applies."""
        driven = Driven(Policy(max_in_state={ImportStatus.READY: 20.0}, timeout=math.inf))
        driven.receive(seen("ready"), at=0.0)
        driven.receive(seen("in_progress"), at=20.0)
        driven.receive(seen("in_progress"), at=500.0)
        assert not driven.waiter.over

    def test_a_hold_past_the_deadline_ends_the_wait(self) -> None:
        """A hold that ends past the deadline ends the wait at once."""
        driven = Driven(Policy(timeout=30.0))
        driven.receive(seen("preparing"))
        driven.receive(THROTTLED, at=5.0, hold=named(36.0))
        assert driven.outcome is Outcome.TIMEOUT
        assert "asks to wait 31s" in driven.ended.message

    def test_a_hold_up_to_the_deadline_keeps_the_last_poll(self) -> None:
        """The deadline shortens the jitter of a hold, never the hold itself."""
        driven = Driven(Policy(timeout=30.0))
        driven.receive(THROTTLED, at=5.0, hold=named(29.0, jitter=3.0))
        assert driven.wake_at == 30.0

    def test_a_backoff_ends_at_the_deadline(self) -> None:
        """A backoff without a named time ends at the deadline."""
        driven = Driven(Policy(timeout=30.0))
        driven.receive(THROTTLED, at=5.0, hold=Hold(5.0, 50.0, named=False, in_a_row=6))
        assert driven.wake_at == 30.0


class TestRateLimits:
    """The effect of a 429 on one wait."""

    def test_a_throttle_is_reported_and_delays_the_poll(self) -> None:
        """The next poll is at the end of the hold, and the event says when."""
        driven = Driven()
        driven.receive(THROTTLED, at=1.0, hold=named(9.0, jitter=0.25))
        (told,) = driven.told(MetThrottle)
        assert (told.wait, told.named_wait) == (8.25, 8.0)
        assert driven.wake_at == 9.25

    def test_the_announced_wait_ends_at_the_deadline(self) -> None:
        """The event announces the real wait."""
        driven = Driven(Policy(timeout=30.0))
        driven.receive(THROTTLED, at=5.0, hold=Hold(5.0, 50.0, named=False, in_a_row=6))
        (told,) = driven.told(MetThrottle)
        assert told.wait == 25.0

    def test_throttles_are_no_outage(self) -> None:
        """A rate limit can last longer than the outage budget."""
        driven = Driven(Policy(outage_budget=10.0, timeout=math.inf))
        for n in range(100):
            at = 60.0 * n
            driven.receive(THROTTLED, at=at, hold=Hold(at, at + 60, named=False, in_a_row=n))
        assert not driven.waiter.over

    def test_a_hold_on_a_good_answer_delays_the_next_poll(self) -> None:
        """A hold that came with a 200 delays the next poll."""
        driven = Driven()
        driven.receive(seen("preparing"), at=0.0, hold=named(8.0))
        assert driven.wake_at == 8.5

    def test_a_shared_hold_past_the_deadline_ends_a_wait_that_only_slept(self) -> None:
        """Another import's hold that ends past the deadline ends the wait."""
        driven = Driven(Policy(timeout=30.0))
        driven.receive(seen("preparing"))
        assert driven.waiter.end_if_held(named(29.0), driven.instant()) is None
        step = driven.waiter.end_if_held(named(31.0), driven.instant())
        assert step is not None
        assert step.wake_at is None


class TestConfirmation:
    """Error replies of an import that was seen need a confirmation."""

    @pytest.mark.parametrize("outcome", list(ADVERSE))
    def test_before_first_sight_an_error_reply_ends_the_wait(self, outcome: Outcome) -> None:
        """Before the import was seen, the first error reply ends the wait."""
        driven = Driven(Policy(appear_within=0.0))
        driven.receive(ADVERSE[outcome])
        assert driven.outcome is outcome

    @pytest.mark.parametrize("reply", [WRONG_IMPORT, REFUSED])
    def test_wrong_answers_end_with_protocol(self, reply: Reply) -> None:
        """Another import and a bad request end with protocol."""
        driven = Driven()
        driven.receive(reply)
        assert driven.outcome is Outcome.PROTOCOL

    @pytest.mark.parametrize("reply", [MISSING, DENIED, FORBIDDEN, REFUSED, WRONG_IMPORT])
    def test_once_seen_the_next_answer_must_confirm(self, reply: Reply) -> None:
        """One error reply is retried; a second one of the same kind ends the wait."""
        driven = Driven()
        driven.receive(seen("in_progress"))
        driven.receive(reply)
        assert not driven.waiter.over
        assert len(driven.told(Retrying)) == 1
        driven.receive(reply)
        assert driven.waiter.over

    def test_the_warning_before_a_confirmation_names_the_fact(self) -> None:
        """The warning says that the import is gone, not only that a response was 404."""
        driven = Driven()
        driven.receive(seen("in_progress"))
        driven.receive(MISSING)
        (retrying,) = driven.told(Retrying)
        assert retrying.detail == f"the import is gone: {MISSING.error}"

    @pytest.mark.parametrize("reply", [MISSING, DENIED, REFUSED, WRONG_IMPORT])
    def test_a_usable_answer_resets_the_confirmation(self, reply: Reply) -> None:
        """A usable answer between two error replies resets the confirmation."""
        driven = Driven()
        driven.receive(seen("in_progress"))
        for _ in range(5):
            driven.receive(reply)
            driven.receive(seen("in_progress"))
        driven.receive(seen("complete"))
        assert driven.outcome is Outcome.COMPLETE

    @pytest.mark.parametrize("between", [SERVER, SIGN_IN_PAGE])
    def test_a_server_error_resets_the_confirmation(self, between: Reply) -> None:
        """A server error between two 404s resets the confirmation."""
        driven = Driven()
        driven.receive(seen("in_progress"))
        for reply in (MISSING, between, MISSING):
            driven.receive(reply)
        assert not driven.waiter.over

    @pytest.mark.parametrize("between", [NETWORK, THROTTLED])
    def test_a_network_fault_or_throttle_keeps_the_unconfirmed_error(self, between: Reply) -> None:
        """A network fault or a 429 between two 404s neither confirms nor resets."""
        driven = Driven()
        driven.receive(seen("in_progress"))
        for reply in (MISSING, between, MISSING):
            driven.receive(reply, hold=None)
        assert driven.outcome is Outcome.NOT_FOUND

    def test_a_throttle_ends_an_outage_and_keeps_the_unconfirmed_error(self) -> None:
        """A 429 ends an outage but keeps the unconfirmed 404."""
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
        """Another import does not confirm a 400, although both mean protocol."""
        driven = Driven()
        driven.receive(seen("in_progress"))
        driven.receive(WRONG_IMPORT)
        driven.receive(REFUSED)
        assert not driven.waiter.over

    @pytest.mark.parametrize("between", [None, NETWORK, THROTTLED])
    def test_the_confirmation_uses_a_new_connection(self, between: Reply | None) -> None:
        """The poll that may confirm an error uses a new connection, and only that one does."""
        driven = Driven()
        assert not driven.receive(seen("in_progress")).fresh
        assert driven.receive(MISSING).fresh
        if between is not None:
            assert driven.receive(between).fresh
        assert not driven.receive(seen("in_progress")).fresh

    def test_a_revoked_token_ends_the_wait_within_two_polls(self) -> None:
        """A token that is revoked in the middle of a wait ends it at the second 401."""
        driven = Driven()
        driven.receive(seen("in_progress"))
        driven.receive(DENIED)
        driven.receive(DENIED)
        assert driven.outcome is Outcome.UNAUTHORIZED

    def test_another_outcome_does_not_confirm(self) -> None:
        """Alternating 404s and 401s end with the outage budget."""
        driven = Driven(Policy(outage_budget=60.0))
        driven.receive(seen("in_progress"))
        for n in range(1000):
            if driven.waiter.over:
                break
            driven.receive((MISSING, DENIED)[n % 2])
        assert driven.outcome is Outcome.UNAVAILABLE
        assert driven.now >= 60.0

    def test_the_message_says_that_an_import_is_gone(self) -> None:
        """The message says that the import existed before."""
        driven = Driven()
        driven.receive(seen("in_progress"))
        ended = driven.receive_until_over(MISSING)
        assert ended.outcome is Outcome.NOT_FOUND
        assert "the import is gone" in ended.message
        assert "req-1" in ended.message

    def test_a_new_token_is_tried_first(self) -> None:
        """After a 401, a new token from the file is used at once."""
        driven = Driven()
        driven.receive(Denied(ApiError(401), token_changed=True))
        assert driven.wake_at == driven.now
        driven.receive(seen("complete"))
        assert driven.outcome is Outcome.COMPLETE

    def test_only_the_first_new_token_is_tried_at_once(self) -> None:
        """A token file that always changes does not cause a burst of requests."""
        driven = Driven(Policy(outage_budget=math.inf))
        waits = []
        for _ in range(8):
            driven.receive(Denied(ApiError(401), token_changed=True))
            assert driven.wake_at is not None
            waits.append(driven.wake_at - driven.now)
        assert waits[0] == 0
        assert sum(waits) > 5

    def test_always_new_tokens_end_with_the_outage_budget(self) -> None:
        """Always new tokens are retried only within the outage budget."""
        driven = Driven(Policy(outage_budget=1.0))
        changed = Denied(ApiError(401), token_changed=True)
        driven.receive(changed, at=0.0)
        driven.receive(changed, at=0.5)
        driven.receive(changed, at=1.0)
        assert driven.outcome is Outcome.UNAVAILABLE


class TestAppearing:
    """A 404 before the import was seen."""

    def test_a_new_import_may_be_late(self) -> None:
        """A new import may answer 404 at first."""
        driven = Driven(Policy(appear_within=30.0))
        driven.receive(MISSING)
        driven.receive(MISSING)
        driven.receive(seen("preparing"))
        assert not driven.waiter.over

    def test_a_404_is_reported_after_other_faults(self) -> None:
        """404s and faults that alternate are each reported."""
        driven = Driven()
        driven.receive(SERVER)
        driven.receive(MISSING)
        driven.receive(SERVER)
        driven.receive(MISSING)
        assert [told.in_a_row for told in driven.told(Retrying)] == [1, 1, 1, 1]

    def test_the_time_to_appear_ends(self) -> None:
        """The last poll is at the end of the allowed time, then the wait ends with not_found."""
        driven = Driven(Policy(appear_within=30.0))
        ended = driven.receive_until_over(MISSING)
        assert ended.outcome is Outcome.NOT_FOUND
        assert driven.now == pytest.approx(30.0)
        assert "a new import may take longer to appear" in ended.message

    def test_a_timeout_while_missing_says_what_to_check(self) -> None:
        """A timeout after 404s suggests to check the keys, not the network."""
        driven = Driven(Policy(appear_within=30.0, timeout=3.0))
        ended = driven.receive_until_over(MISSING)
        assert ended.outcome is Outcome.TIMEOUT
        assert "Check the four keys" in ended.message

    def test_a_single_poll_waits_for_a_hold_while_the_import_may_appear(self) -> None:
        """A single poll waits for a hold while its import may still appear, but no longer."""
        driven = Driven(Policy(once=True, appear_within=60.0, outage_budget=2.0))
        driven.receive(MISSING)
        now = driven.instant()
        assert driven.waiter.end_if_held(Hold(50.0, 51.0, named=True, in_a_row=1), now) is None
        assert driven.waiter.end_if_held(Hold(61.0, 62.0, named=True, in_a_row=1), now) is not None

    def test_only_unseen_imports_may_appear(self) -> None:
        """A 404 of an import that was seen means that it is gone."""
        driven = Driven(Policy(appear_within=1000.0))
        driven.receive(seen("preparing"))
        driven.receive(MISSING)
        driven.receive(MISSING)
        assert driven.outcome is Outcome.NOT_FOUND


class TestOutages:
    """Outages."""

    @pytest.mark.parametrize(
        ("fault", "outcome"),
        [(fault, Outcome.UNAVAILABLE) for fault in (NETWORK, SERVER, SIGN_IN_PAGE, REFUSING_PAGE, REDIRECT)],
    )
    def test_the_budget_ends_an_outage(self, fault: Reply, outcome: Outcome) -> None:
        """An outage is retried until its budget ends, with a last poll at that time."""
        driven = Driven(Policy(outage_budget=60.0))
        driven.receive(seen("preparing"), at=0.0)
        began = driven.wake_at
        assert began is not None
        driven.receive_until_over(fault)
        assert driven.outcome is outcome
        assert driven.now == pytest.approx(began + 60.0)

    def test_the_last_fault_decides(self) -> None:
        """The last fault of an outage decides its outcome."""
        for last, outcome in ((SIGN_IN_PAGE, Outcome.PROTOCOL), (NETWORK, Outcome.UNAVAILABLE)):
            driven = Driven(Policy(outage_budget=60.0))
            driven.receive(SIGN_IN_PAGE if last is NETWORK else NETWORK, at=0.0)
            driven.receive(last, at=60.0)
            assert driven.outcome is outcome

    def test_the_budget_is_for_one_outage(self) -> None:
        """A usable answer resets the outage budget."""
        driven = Driven(Policy(outage_budget=60.0))
        for n in range(10):
            driven.receive(NETWORK, at=100.0 * n)
            driven.receive(SERVER, at=100.0 * n + 59)
            driven.receive(seen("preparing"), at=100.0 * n + 60)
        driven.receive(seen("complete"), at=1000.0)
        assert driven.outcome is Outcome.COMPLETE

    def test_an_outage_counts_from_the_first_failed_request(self) -> None:
        """The outage budget counts from when the first failed request was sent."""
        driven = Driven(Policy(outage_budget=5.0))
        driven.receive(NETWORK, at=10.0, took=10.0)
        assert driven.outcome is Outcome.UNAVAILABLE

    def test_a_final_status_after_a_fault_ends_the_wait(self) -> None:
        """A final status directly after a fault ends the wait."""
        driven = Driven()
        driven.receive(seen("in_progress"))
        driven.receive(SERVER)
        driven.receive(seen("complete"))
        assert driven.outcome is Outcome.COMPLETE

    def test_an_unknown_host_is_retried_briefly_before_the_first_response(self) -> None:
        """An unknown host before the first response is retried for 30 s only."""
        driven = Driven(Policy(outage_budget=300.0))
        driven.receive_until_over(UNKNOWN_HOST)
        assert driven.outcome is Outcome.UNAVAILABLE
        assert driven.now == pytest.approx(30.0)

    def test_a_proxy_error_ends_with_its_own_next_step(self) -> None:
        """A proxy's error before the first response is retried for 30 s, and the message names the proxy."""
        driven = Driven(Policy(outage_budget=300.0))
        driven.receive_until_over(Fault(FaultKind.PROXY, "there is no proxy named x (from ALL_PROXY)"))
        assert driven.outcome is Outcome.UNAVAILABLE
        assert driven.now == pytest.approx(30.0)
        assert driven.ended.message.endswith(
            "Correct the proxy in the environment, then watch the import again."
        )

    def test_an_unknown_host_after_a_response_is_an_outage(self) -> None:
        """After a response, an unknown host is retried for the whole outage budget."""
        driven = Driven(Policy(outage_budget=300.0))
        driven.receive(SERVER, at=0.0)
        driven.receive_until_over(UNKNOWN_HOST)
        assert driven.now == pytest.approx(300.0)

    def test_a_hold_past_the_budget_is_waited_for(self) -> None:
        """After a time past the outage budget that a fault named, the next answer decides."""
        for reply, outcome in ((seen("complete"), Outcome.COMPLETE), (SERVER, Outcome.UNAVAILABLE)):
            driven = Driven(Policy(outage_budget=60.0))
            driven.receive(SERVER, at=0.0, hold=fault_hold(0.0, 600.0))
            assert driven.wake_at == 600.0
            driven.receive(reply)
            assert driven.outcome is outcome

    def test_a_single_poll_does_not_wait_past_the_budget(self) -> None:
        """A single poll ends at a hold past the outage budget."""
        driven = Driven(Policy(outage_budget=60.0, once=True))
        driven.receive(SERVER, at=0.0, hold=fault_hold(0.0, 61.0))
        assert driven.outcome is Outcome.UNAVAILABLE
        assert "asks to wait 1m01s, past the outage budget" in driven.ended.message

    def test_a_fault_with_a_hold_past_the_deadline_keeps_the_last_poll(self) -> None:
        """A fault's hold past the deadline is cut to one last poll at the deadline."""
        driven = Driven(Policy(timeout=30.0))
        driven.receive(SERVER, at=5.0, hold=fault_hold(5.0, 600.0))
        assert driven.wake_at == 30.0
        driven.receive(seen("complete"))
        assert driven.outcome is Outcome.COMPLETE

    def test_a_hold_within_the_budget_delays_the_poll(self) -> None:
        """A hold within the outage budget delays the next poll."""
        driven = Driven(Policy(outage_budget=60.0))
        driven.receive(SERVER, at=0.0, hold=named(20.0))
        assert driven.wake_at == 20.5

    def test_waits_stay_under_a_doubling_ceiling(self) -> None:
        """Retries have full jitter below a ceiling that doubles up to the longest interval."""
        driven = Driven(Policy(min_interval=1.0, max_interval=8.0, outage_budget=math.inf))
        for ceiling in (1, 2, 4, 8, 8, 8):
            driven.receive(NETWORK)
            assert driven.wake_at is not None
            assert 0 <= driven.wake_at - driven.now <= ceiling


class TestGateways:
    """Responses that do not come from LaunchDarkly."""

    def test_a_captive_portal_that_says_so_may_be_left_within_the_budget(self) -> None:
        """A 511 is a 5xx: before first sight it gets the whole outage budget, and ends with `unavailable`."""
        driven = Driven(Policy(outage_budget=300.0))
        ended = driven.receive_until_over(Fault(FaultKind.SERVER, "HTTP 511", 511))
        assert driven.now == pytest.approx(300.0)
        assert ended.outcome is Outcome.UNAVAILABLE

    @pytest.mark.parametrize(
        ("fault", "outcome"),
        [
            (REFUSING_PAGE, Outcome.UNAUTHORIZED),
            (MISSING_PAGE, Outcome.NOT_FOUND),
            (REDIRECT, Outcome.PROTOCOL),
            (SIGN_IN_PAGE, Outcome.PROTOCOL),
            (CONFLICT, Outcome.PROTOCOL),
            (MISDIRECTED, Outcome.PROTOCOL),
            (PROXY, Outcome.UNAVAILABLE),
        ],
    )
    def test_before_first_sight_they_end_the_wait_after_30_s(self, fault: Reply, outcome: Outcome) -> None:
        """The HTTP status decides if nothing but a gateway's responses came for 30 s."""
        driven = Driven(Policy(appear_within=0.0))
        ended = driven.receive_until_over(fault)
        assert driven.now == pytest.approx(30.0)
        assert ended.outcome is outcome
        driven = Driven(Policy(outage_budget=10.0))
        driven.receive_until_over(fault)
        assert driven.now == pytest.approx(10.0)

    def test_the_30_s_count_from_the_last_other_reply(self) -> None:
        """A page after a long server error is not the end, and the last fault decides."""
        driven = Driven(Policy(outage_budget=300.0))
        driven.receive(SERVER, at=0.0)
        driven.receive(SERVER, at=200.0)
        driven.receive(REFUSING_PAGE, at=210.0)
        driven.receive(REDIRECT, at=239.0)
        assert not driven.waiter.over
        driven.receive(REFUSING_PAGE, at=240.0)
        assert driven.outcome is Outcome.UNAUTHORIZED

    @pytest.mark.parametrize("fault", [REFUSING_PAGE, MISSING_PAGE, REDIRECT, SIGN_IN_PAGE, CONFLICT])
    def test_afterwards_only_the_budget_ends_the_wait(self, fault: Reply) -> None:
        """Once the import was seen, a gateway's responses are an outage like any other."""
        driven = Driven(Policy(outage_budget=300.0))
        driven.receive(seen("in_progress"), at=0.0)
        driven.receive(fault, at=10.0)
        driven.receive(fault, at=309.0)
        driven.receive(seen("in_progress"), at=310.0)
        driven.receive(fault, at=320.0)
        driven.receive(fault, at=620.0)
        assert driven.outcome is Outcome.UNAVAILABLE

    def test_a_misdirected_request_is_repeated_on_a_new_connection(self) -> None:
        """A 421 is retried on a new connection until another reply arrives."""
        driven = Driven()
        assert driven.receive(MISDIRECTED).fresh
        assert driven.receive(NETWORK).fresh
        assert not driven.receive(SERVER).fresh
        driven.receive(seen("complete"))
        assert driven.outcome is Outcome.COMPLETE


def test_an_alternating_status_does_not_fill_the_memory() -> None:
    """Only the latest 1000 transitions are kept."""
    driven = Driven(Policy(timeout=math.inf))
    for n in range(3000):
        driven.receive(seen(("preparing", "ready")[n % 2]))
    assert len(driven.waiter.progress(driven.instant()).transitions) == 1000


def test_an_interrupt_reports_the_signal() -> None:
    """An interrupt reports the signal and the last status."""
    driven = Driven()
    driven.receive(seen("in_progress"))
    (ended,) = driven.waiter.interrupt(15, driven.instant()).events
    assert isinstance(ended, Ended)
    assert ended.signal == 15
    assert "last status in_progress" in ended.message


def test_being_left_behind_is_pending_and_does_not_count() -> None:
    """An import left behind ends as pending and does not count."""
    driven = Driven()
    step = driven.waiter.leave_behind(REF, Outcome.STOPPED, driven.instant(), succeeded=False)
    driven._take(step)  # noqa: SLF001 (the helper's own bookkeeping)
    assert driven.outcome is Outcome.PENDING
    assert driven.ended.left_behind


def test_a_failure_has_two_sentences_with_the_last_error() -> None:
    """The final message has fact, last status, last error with its age, and the next step."""
    driven = Driven(Policy(timeout=10.0))
    driven.receive(MISSING, at=1.0)
    driven.receive(seen("preparing"), at=2.0)
    driven.receive(seen("preparing"), at=10.0)
    assert driven.ended.message == (
        "timed out after 10s; last status preparing for 8s; last error 9s ago: "
        'HTTP 404 not_found "Invalid resource identifier" (id req-1). '
        "The import continues: check it in LaunchDarkly, or allow more time."
    )


def test_a_thousand_whole_waits_take_seconds() -> None:
    """A thousand simulated waits take only seconds."""
    for seed in range(1000):
        driven = Driven(seed=seed)
        for status in ("preparing", "pending_approval", "ready", "in_progress"):
            for _ in range(10):
                driven.receive(seen(status))
        driven.receive(seen("complete"))
        assert driven.outcome is Outcome.COMPLETE
