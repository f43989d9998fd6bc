"""What faults and error replies mean, and what the user reads about them."""

from __future__ import annotations

import math

import pytest

from tests.support.driving import (
    CONFLICT,
    DENIED,
    FORBIDDEN,
    MISSING,
    NETWORK,
    PROXY,
    REDIRECT,
    REFUSED,
    REFUSING_PAGE,
    SERVER,
    SIGN_IN_PAGE,
    UNKNOWN_HOST,
    WRONG_IMPORT,
    Driven,
    seen,
)
from watcher.core.answers.rate_limits import Hold
from watcher.core.answers.replies import ApiError, Denied, Fault, FaultKind, Reply
from watcher.core.events import Retrying
from watcher.core.messages import outcomes as messages
from watcher.core.policy import Policy
from watcher.core.statuses import Outcome
from watcher.core.wait.faults import ErrorReply, interpret, outcome_unseen

NEW_TOKEN = Denied(ApiError(401, "unauthorized", "Invalid access token"), token_changed=True)
CHECK_NETWORK = "Check the network and LaunchDarkly's status, then watch the import again."


@pytest.mark.parametrize(
    ("reply", "was_seen", "meaning"),
    [
        (MISSING, False, (Outcome.NOT_FOUND, "there is no such import", str(MISSING.error))),
        (MISSING, True, (Outcome.NOT_FOUND, "the import is gone", str(MISSING.error))),
        (DENIED, True, (Outcome.UNAUTHORIZED, "the access token was rejected", str(DENIED.error))),
        (
            FORBIDDEN,
            True,
            (Outcome.UNAUTHORIZED, "the access token lacks a permission", f"{FORBIDDEN.error}"),
        ),
        (REFUSED, True, (Outcome.PROTOCOL, "the request was rejected", str(REFUSED.error))),
        (
            WRONG_IMPORT,
            True,
            (Outcome.PROTOCOL, "the response is about another import", '"id" is "other", not "1234a567"'),
        ),
    ],
)
def test_each_error_reply_has_one_meaning(
    reply: ErrorReply, *, was_seen: bool, meaning: tuple[Outcome, str, str]
) -> None:
    """An error reply decides the outcome, and the message quotes it."""
    assert interpret(reply, seen=was_seen) == meaning


@pytest.mark.parametrize(
    ("kind", "http_status", "outcome"),
    [
        (FaultKind.GATEWAY, 401, Outcome.UNAUTHORIZED),
        (FaultKind.GATEWAY, 402, Outcome.PROTOCOL),
        (FaultKind.GATEWAY, 403, Outcome.UNAUTHORIZED),
        (FaultKind.GATEWAY, 404, Outcome.NOT_FOUND),
        (FaultKind.GATEWAY, 410, Outcome.NOT_FOUND),
        (FaultKind.GATEWAY, 411, Outcome.PROTOCOL),
        (FaultKind.GATEWAY, 302, Outcome.PROTOCOL),
        (FaultKind.SERVER, 499, Outcome.PROTOCOL),
        (FaultKind.SERVER, 500, Outcome.UNAVAILABLE),
        (FaultKind.SERVER, 599, Outcome.UNAVAILABLE),
        (FaultKind.GATEWAY, 503, Outcome.UNAVAILABLE),
        (FaultKind.PROXY, 403, Outcome.UNAVAILABLE),
        (FaultKind.NETWORK, None, Outcome.UNAVAILABLE),
    ],
)
def test_the_http_status_hints_at_the_outcome(
    kind: FaultKind, http_status: int | None, outcome: Outcome
) -> None:
    """Before an import was seen, a gateway's HTTP status decides, and nothing else does."""
    assert outcome_unseen(Fault(kind, "a fault", http_status)) is outcome


@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        (NETWORK, NETWORK.detail),
        (MISSING, f"the import is gone: {MISSING.error}"),
        (WRONG_IMPORT, 'the response is about another import: "id" is "other", not "1234a567"'),
        (NEW_TOKEN, f"{NEW_TOKEN.error}; the access token has been replaced"),
    ],
)
def test_a_retry_names_its_reason_and_its_number(reply: Reply, detail: str) -> None:
    """Each retry reports what was received, its place in the outage, and the time until the next poll."""
    driven = Driven(Policy(min_interval=1.0, max_interval=1.0))
    driven.receive(seen("ready"), at=0.0)
    driven.receive(SERVER, at=1.0)
    driven.receive(reply, at=2.0)
    assert driven.wake_at is not None
    retry = driven.told(Retrying)[-1]
    assert (retry.detail, retry.in_a_row, retry.wait) == (detail, 2, driven.wake_at - 2.0)
    assert retry.progress.errors == 2


@pytest.mark.parametrize(
    ("reply", "quoted"),
    [
        (NETWORK, NETWORK.detail),
        (MISSING, str(MISSING.error)),
        (NEW_TOKEN, str(NEW_TOKEN.error)),
    ],
)
def test_a_timeout_quotes_the_last_error(reply: Reply, quoted: str) -> None:
    """A timeout in the middle of an outage says what the last error was, and how long ago."""
    driven = Driven(Policy(timeout=10.0))
    driven.receive(seen("preparing"), at=0.0)
    driven.receive(reply, at=4.0)
    driven.receive(seen("preparing"), at=10.0)
    assert driven.ended.message == (
        f"timed out after 10s; last status preparing for 10s; last error 6s ago: {quoted}. "
        "The import continues: check it in LaunchDarkly, or allow more time."
    )


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        (NETWORK, CHECK_NETWORK),
        (SERVER, CHECK_NETWORK),
        (UNKNOWN_HOST, CHECK_NETWORK),
        (PROXY, messages.CORRECT_PROXY),
        (SIGN_IN_PAGE, messages.CHECK_GATEWAY),
        (REDIRECT, messages.CHECK_GATEWAY),
    ],
)
def test_the_end_of_an_outage_has_length_cause_and_next_step(fault: Fault, advice: str) -> None:
    """The last message of an outage names its length, the last fault, and what to do about this kind."""
    driven = Driven(Policy(outage_budget=60.0))
    driven.receive(seen("preparing"), at=0.0)
    driven.receive(fault, at=10.0)
    driven.receive(fault, at=70.0)
    assert driven.outcome is Outcome.UNAVAILABLE
    assert driven.ended.message == (
        f"no usable response for 1m: {fault.detail}; last status preparing for 1m10s. {advice}"
    )


@pytest.mark.parametrize("fault", [SIGN_IN_PAGE, REFUSING_PAGE, CONFLICT])
def test_a_gateway_before_first_sight_is_to_be_checked(fault: Fault) -> None:
    """Before first sight, the next step is about what stands in front of LaunchDarkly."""
    driven = Driven()
    driven.receive(fault, at=10.0)
    driven.receive(fault, at=40.0)
    assert driven.ended.message == (
        f"no usable response for 30s: {fault.detail}; the import was not seen. {messages.CHECK_GATEWAY}"
    )


def test_an_outage_before_first_sight_is_about_host_and_network() -> None:
    """Before first sight, a network fault for the whole budget suggests to check the base URI as well."""
    driven = Driven(Policy(outage_budget=60.0))
    driven.receive(NETWORK, at=0.0)
    driven.receive(NETWORK, at=60.0)
    assert driven.ended.message == (
        f"no usable response for 1m: {NETWORK.detail}; the import was not seen. "
        "Check the base URI, the network and any proxy, then watch it again."
    )


def test_error_replies_that_nothing_confirmed_are_not_called_unusable() -> None:
    """After error replies that alternate, the message says that no response was confirmed."""
    driven = Driven(Policy(outage_budget=60.0))
    driven.receive(seen("preparing"), at=0.0)
    driven.receive(DENIED, at=10.0)
    driven.receive(MISSING, at=70.0)
    assert driven.outcome is Outcome.UNAVAILABLE
    assert driven.ended.message == (
        f"no confirmed response for 1m: the import is gone: {MISSING.error}; "
        f"last status preparing for 1m10s. {CHECK_NETWORK}"
    )


@pytest.mark.parametrize(
    ("reply", "advice"),
    [
        (FORBIDDEN, messages.CHECK_ROLE),
        (
            DENIED,
            "Check that it is a valid access token (api-…); EU and federal accounts have their own base URI.",
        ),
    ],
)
def test_a_missing_permission_is_about_the_role(reply: Denied, advice: str) -> None:
    """A 403 suggests another role, a 401 another token."""
    driven = Driven()
    driven.receive(reply)
    assert driven.ended.message.endswith(f". {advice}")


def test_an_outage_that_ends_with_the_timeout_is_an_outage() -> None:
    """If outage budget and timeout end at the same time, the outcome names the cause."""
    driven = Driven(Policy(timeout=60.0, outage_budget=60.0))
    driven.receive(NETWORK, at=0.0)
    driven.receive(NETWORK, at=60.0)
    assert driven.outcome is Outcome.UNAVAILABLE


@pytest.mark.parametrize("reply", [SIGN_IN_PAGE, NETWORK, MISSING])
def test_the_timeout_comes_first_if_it_is_earlier(reply: Reply) -> None:
    """An outage budget that would end after the timeout never ends the wait."""
    driven = Driven(Policy(timeout=20.0, outage_budget=60.0))
    driven.receive(reply, at=0.0)
    driven.receive(reply, at=20.0)
    assert driven.outcome is Outcome.TIMEOUT


def hold(until: float, *, is_named: bool = True) -> Hold:
    """Return a hold of a fault at 10 s."""
    return Hold(until, until + 0.5, named=is_named, binds_until=10.0)


@pytest.mark.parametrize(
    ("present", "once", "ends"),
    [
        pytest.param(hold(70.0), True, False, id="up to the budget"),
        pytest.param(hold(71.0), True, True, id="past the budget"),
        pytest.param(hold(71.0), False, False, id="not a single poll"),
        pytest.param(hold(71.0, is_named=False), True, False, id="a backoff"),
        pytest.param(None, True, False, id="none"),
    ],
)
def test_only_a_named_time_past_the_budget_ends_a_single_poll(
    *, present: Hold | None, once: bool, ends: bool
) -> None:
    """A single poll ends early only if the API asks to wait longer than the budget lasts."""
    driven = Driven(Policy(once=once, outage_budget=60.0))
    driven.receive(SERVER, at=10.0, hold=present)
    assert driven.waiter.over is ends
    if ends:
        assert driven.ended.message == (
            f"no usable response: {SERVER.detail}; the API asks to wait 1m01s, past the outage budget; "
            "the import was not seen. Check the base URI, the network and any proxy, then watch it again."
        )


@pytest.mark.parametrize("once", [False, True])
def test_a_hold_at_the_end_of_the_budget_changes_nothing(*, once: bool) -> None:
    """When the budget is exhausted, the message is about the outage, whatever wait the fault names."""
    driven = Driven(Policy(once=once, outage_budget=60.0))
    driven.receive(SIGN_IN_PAGE, at=10.0)
    driven.receive(SIGN_IN_PAGE, at=40.0, hold=hold(200.0))
    assert driven.outcome is Outcome.PROTOCOL
    assert "asks to wait" not in driven.ended.message


def test_the_doubt_ends_with_another_fault() -> None:
    """After a fault that no wrong configuration explains, the 30 s start again."""
    driven = Driven(Policy(outage_budget=math.inf))
    for at, fault in [(0, UNKNOWN_HOST), (29, NETWORK), (30, UNKNOWN_HOST), (59, UNKNOWN_HOST)]:
        driven.receive(fault, at=float(at))
        assert not driven.waiter.over
    driven.receive(UNKNOWN_HOST, at=60.0)
    assert driven.outcome is Outcome.UNAVAILABLE


@pytest.mark.parametrize("between", [MISSING, NEW_TOKEN])
def test_an_error_reply_ends_the_doubt(between: Reply) -> None:
    """A reply of LaunchDarkly's own shows that the configuration is right."""
    driven = Driven(Policy(outage_budget=300.0, appear_within=0.0 if between is NEW_TOKEN else 20.0))
    driven.receive(UNKNOWN_HOST, at=0.0)
    driven.receive(between, at=10.0)
    driven.receive(UNKNOWN_HOST, at=20.0)
    driven.receive(UNKNOWN_HOST, at=60.0)
    assert not driven.waiter.over


def test_the_doubt_counts_from_the_request() -> None:
    """The 30 s begin when the first failed request was sent, not when it failed."""
    driven = Driven(Policy(outage_budget=math.inf))
    driven.receive(UNKNOWN_HOST, at=10.0, took=10.0)
    driven.receive(UNKNOWN_HOST, at=29.0)
    assert not driven.waiter.over
    driven.receive(UNKNOWN_HOST, at=30.0)
    assert driven.waiter.over


@pytest.mark.parametrize("reply", [NETWORK, SERVER, SIGN_IN_PAGE, UNKNOWN_HOST])
def test_a_fault_alone_needs_no_new_connection(reply: Reply) -> None:
    """The first poll and those after faults may use a kept connection."""
    driven = Driven()
    assert not driven.receive(reply).fresh
    assert not driven.receive(reply).fresh


def test_a_new_token_between_two_errors_confirms_nothing() -> None:
    """Only the next response confirms an error, not one after a 401 to an old token."""
    driven = Driven(Policy())
    for reply in (seen("ready"), MISSING, NEW_TOKEN, MISSING):
        driven.receive(reply)
    assert not driven.waiter.over
    driven.receive(MISSING)
    assert driven.outcome is Outcome.NOT_FOUND


def test_a_confirmation_is_asked_for_after_the_shortest_interval() -> None:
    """The poll that confirms an error follows soon, however slow the polls have become."""
    driven = Driven(Policy(min_interval=2.0, max_interval=60.0, growth=10.0))
    for _ in range(5):
        driven.receive(seen("ready"))
    driven.receive(MISSING)
    assert driven.wake_at is not None
    assert 1.8 <= driven.wake_at - driven.now <= 2.2
