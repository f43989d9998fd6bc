"""Tests of the messages of outcomes: short, complete, and without command-line options."""

from __future__ import annotations

import inspect
import re
from itertools import product
from typing import TYPE_CHECKING

import pytest

from tests.support import driving
from tests.support.driving import REF, Driven, seen
from watcher.core.answers.rate_limits import Hold
from watcher.core.answers.replies import ApiError, Denied
from watcher.core.events import Progress
from watcher.core.messages import faults, outcomes
from watcher.core.model import Import
from watcher.core.policy import Policy
from watcher.core.statuses import SUCCESSES, ImportStatus, Outcome, UnknownStatusRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watcher.core.answers.replies import Reply
    from watcher.core.events import Ended

LIMIT = 240
"""Longest message in characters, without target and quoted text."""

DAY = 86399.0
HOUR = 3599.0

_STATUSES = [None, *ImportStatus, "validating"]
_TROUBLE = {
    name: reply
    for name, reply in vars(driving).items()
    if name.isupper() and isinstance(reply, (Denied, type(driving.MISSING), type(driving.THROTTLED)))
} | {
    "network": driving.NETWORK,
    "server": driving.SERVER,
    "page": driving.REFUSING_PAGE,
    "missing page": driving.MISSING_PAGE,
    "proxy": driving.PROXY,
    "unknown host": driving.UNKNOWN_HOST,
    "refused": driving.REFUSED,
    "wrong import": driving.WRONG_IMPORT,
    "nothing": None,
}
_POLICIES = {
    "wait": Policy(timeout=DAY, outage_budget=HOUR),
    "once": Policy(once=True, outage_budget=HOUR),
    "cron": Policy(once=True, remembered=True, timeout=DAY),
    "limited": Policy(timeout=DAY, max_in_state=dict.fromkeys(ImportStatus, HOUR)),
    "strict": Policy(
        until=ImportStatus.IN_PROGRESS,
        fail_on=frozenset({ImportStatus.PENDING_APPROVAL}),
        unknown_status=UnknownStatusRule.FAIL,
    ),
}
_WAYS = ("to the end", "held", "held past the end", "interrupted", "left behind")


def ends() -> Iterator[Ended]:
    """Drive waits through every status, trouble and policy, and yield how each of them ends."""
    for status, trouble, policy, way in product(_STATUSES, _TROUBLE.values(), _POLICIES.values(), _WAYS):
        driven = Driven(policy)
        if status is not None:
            driven.receive(seen(status))
        reply: Reply | None = trouble
        if reply is None and status is not None:
            reply = seen(status)
        if not driven.waiter.over and reply is not None:
            finish(driven, reply, way)
        if driven.waiter.over:
            yield driven.ended


def finish(driven: Driven, reply: Reply, way: str) -> None:
    """Bring a wait to its end."""
    now = driven.instant()
    match way:
        case "to the end":
            driven.receive_until_over(reply, most=200_000)
        case "held" | "held past the end":
            wait = HOUR if way == "held" else 2 * DAY
            held = Hold(now.monotonic + wait, now.monotonic + wait, named=True, in_a_row=1)
            driven.receive(reply, at=now.monotonic, hold=held)
            if not driven.waiter.over:
                is_late = driven.instant().monotonic >= driven.waiter.deadline
                end = driven.waiter.end_unpolled if is_late else driven.waiter.end_if_held
                step = end(held, driven.instant())
                driven.events += () if step is None else step.events
        case "interrupted":
            driven.receive(reply)
            if not driven.waiter.over:
                driven.events += driven.waiter.interrupt(15, driven.instant()).events
        case _:
            driven.receive(reply)
            if not driven.waiter.over:
                step = driven.waiter.leave_behind(REF, Outcome.STOPPED, driven.instant(), succeeded=False)
                driven.events += step.events


def own_words(message: str) -> str:
    """Return a message without its target and without what others said in it."""
    own = message.replace(str(REF), "…")
    for reply in _TROUBLE.values():
        quoted = getattr(reply, "detail", None) or str(getattr(reply, "error", ""))
        own = own.replace(quoted, "…") if quoted else own
    return re.sub(r'"[^"]*"', '""', own)


@pytest.fixture(scope="module")
def messages() -> dict[str, Ended]:
    """Return every message that a wait can end with, and one end with it."""
    return {end.message: end for end in ends()}


def test_every_outcome_of_a_wait_is_covered(messages: dict[str, Ended]) -> None:
    """Usage errors and defects end no wait; every other outcome is among those that were driven."""
    driven = {end.outcome for end in messages.values()}
    assert driven == set(Outcome) - {Outcome.INTERNAL, Outcome.USAGE}
    assert len(messages) > 300


def test_no_message_is_long(messages: dict[str, Ended]) -> None:
    """Every message has at most 240 characters without target and quoted text."""
    assert [message for message in messages if len(own_words(message)) > LIMIT] == []


def test_a_success_is_a_fact(messages: dict[str, Ended]) -> None:
    """A success needs no next step."""
    for message, end in messages.items():
        if end.outcome in SUCCESSES:
            assert "." not in re.sub(r"\d\.\d", "", message)


def test_a_failure_has_two_sentences(messages: dict[str, Ended]) -> None:
    """The first sentence is fact and cause, the second one the next step."""
    for message, end in messages.items():
        if end.outcome not in SUCCESSES:
            own = own_words(message)
            assert own.endswith("."), message
            assert len(re.findall(r"\.(?: |$)", own)) == 2, message
            fact, step = re.split(r"\. (?=[A-Z])", own, maxsplit=1)
            assert fact[0].islower(), message
            assert step[0].isupper(), message


def test_no_message_repeats_itself(messages: dict[str, Ended]) -> None:
    """No clause occurs twice, and a quoted error only once."""
    for message in messages:
        clauses = re.split(r"; |: |\. ", message)
        assert len(clauses) == len(set(clauses)), message


def test_the_clause_about_the_last_status_can_be_left_out(messages: dict[str, Ended]) -> None:
    """Only that clause is removed, whatever the status and the rest of the message."""
    assert any("last status" in message for message in messages)
    for message, end in messages.items():
        before, clause, after = message.partition(f"; last status {end.progress.status}")
        rest = re.sub(r"^ for [\w.]*\w", "", after) if clause else ""
        assert outcomes.without_last_status(end) == before + rest


@pytest.mark.parametrize("status", ["ready. Set", "a; last error: b", "last status ready. x"])
def test_an_unknown_status_may_look_like_a_message(status: str) -> None:
    """Only the whole clause is removed, whatever the status contains."""
    driven = Driven(Policy(timeout=10.0))
    driven.receive(seen(status), at=1.0)
    driven.receive(seen(status), at=10.0)
    rest = outcomes.without_last_status(driven.ended)
    assert driven.ended.message == f"timed out after 10s; last status {status} for 9s{rest[19:]}"
    assert rest.startswith("timed out after 10s. ")


def test_messages_are_in_the_style_of_the_project(messages: dict[str, Ended]) -> None:
    """No message names an option, shouts, apologizes, or runs words together."""
    for message in messages:
        own = own_words(message)
        assert not re.search(r"--[a-z]|!|please|sorry|unfortunately|  | [,.;]|None|\binf\b", own), message


def test_an_approval_must_be_applied_too(messages: dict[str, Ended]) -> None:
    """Where the import waits for an approval, the next step says that approving is not enough."""
    found = [
        message
        for message, end in messages.items()
        if end.progress.status is ImportStatus.PENDING_APPROVAL
        and end.outcome in {Outcome.BLOCKED, Outcome.INTERRUPTED, Outcome.PENDING}
        and not end.left_behind
    ]
    assert found
    assert all("approved and applied" in message for message in found)


def progress(status: str | None, *, polls: int = 12) -> Progress:
    """Return the state of a wait."""
    last = None if status is None else Import(status)
    in_state = None if status is None else DAY
    return Progress(status, in_state, DAY, polls, 1, 1, last, ())


def rejected(error: ApiError) -> str:
    """Return the message of a wait that ends with a rejected token."""
    driven = Driven()
    driven.receive(Denied(error))
    assert driven.outcome is Outcome.UNAUTHORIZED
    return driven.ended.message


def test_an_unknown_token_is_explained() -> None:
    """LaunchDarkly's own words for a token that it does not know are about a header."""
    message = rejected(ApiError(401, "unauthorized", "Invalid account ID header"))
    assert message == (
        'the access token was rejected: HTTP 401 unauthorized "Invalid account ID header" '
        "(this host does not know the token). "
        "Check that it is a valid access token (api-…); EU and federal accounts have their own base URI."
    )


def test_a_missing_permission_is_named() -> None:
    """The message of a 403 names action and resource, and does not doubt that the token is valid."""
    error = ApiError(403, "forbidden", "Access denied", lacks="viewProject on proj/default")
    message = rejected(error)
    assert message == (
        'the access token lacks viewProject on proj/default: HTTP 403 forbidden "Access denied". '
        f"{outcomes.CHECK_ROLE}"
    )
    assert rejected(ApiError(403, "forbidden")).startswith("the access token lacks a permission: HTTP 403")


APPROVE = "Approve and apply the change in LaunchDarkly, then watch the import again."


@pytest.mark.parametrize(
    ("outcome", "status", "fact"),
    [
        (Outcome.BLOCKED, "pending_approval", "blocked at pending_approval after 5s"),
        (Outcome.STOPPED, "stopped", "stopped in LaunchDarkly after 5s"),
        (Outcome.TIMEOUT, "pending_approval", outcomes.timed_out(DAY, ImportStatus.PENDING_APPROVAL)),
        (Outcome.PROTOCOL, "validating", outcomes.unknown_status("validating")),
        (Outcome.PENDING, None, outcomes.not_yet_there("HTTP 404")),
        (Outcome.NOT_FOUND, None, outcomes.NO_SUCH_IMPORT),
        (Outcome.UNAVAILABLE, None, outcomes.not_polled(30.0, named=True, earlier_run=False)),
    ],
)
def test_a_message_repeats_nothing(outcome: Outcome, status: str | None, fact: str) -> None:
    """The last status has no clause of its own if the fact names it or implies that there is none."""
    assert outcomes.final(outcome, fact, progress(status), next_step=APPROVE) == f"{fact}. {APPROVE}"


def test_an_import_that_is_not_final_has_its_status_in_the_fact() -> None:
    """The status is what a single poll is for, so it follows at once."""
    assert outcomes.final(Outcome.PENDING, outcomes.NOT_FINAL, progress("ready")).startswith(
        "not final yet: ready for 23h59m. "
    )


def test_a_hold_past_the_limit_of_a_status_names_the_status_once() -> None:
    """The clause about the last status tells which status the limit is for."""
    fact = outcomes.held_past_limit(30.0, DAY, ImportStatus.PENDING_APPROVAL)
    assert outcomes.final(Outcome.TIMEOUT, fact, progress("pending_approval"), next_step=APPROVE) == (
        "timed out: the API asks to wait 30s, past the limit of 23h59m for this status; "
        f"last status pending_approval for 23h59m. {APPROVE}"
    )


@pytest.mark.parametrize("module", [outcomes, faults])
def test_no_message_names_a_command_line_option(module: object) -> None:
    """The library has no command line, so its messages name no option."""
    assert not re.search(r"--[a-z]", inspect.getsource(module))  # type: ignore[arg-type]  # a module


@pytest.mark.parametrize(
    ("outcome", "status", "polls", "fact"),
    [
        (Outcome.COMPLETE, "complete", 1, "complete at the first poll"),
        (Outcome.COMPLETE, "complete", 2, "complete after 23h59m"),
        (Outcome.REACHED, "ready", 1, "reached ready at the first poll"),
        (Outcome.REACHED, "ready", 2, "reached ready after 23h59m"),
        (Outcome.REACHED, "in_progress", 1, "reached ready at the first poll; now in_progress"),
        (Outcome.REACHED, "in_progress", 2, "reached ready after 23h59m; now in_progress"),
        (Outcome.BLOCKED, "pending_approval", 1, "blocked at pending_approval at the first poll"),
        (Outcome.BLOCKED, "pending_approval", 2, "blocked at pending_approval after 23h59m"),
        (Outcome.STOPPED, "stopped", 1, "stopped in LaunchDarkly at the first poll"),
        (Outcome.STOPPED, "stopped", 2, "stopped in LaunchDarkly after 23h59m"),
    ],
)
def test_a_status_that_ends_the_wait(outcome: Outcome, status: str, polls: int, fact: str) -> None:
    """The fact names the status, and its time unless the first poll showed it."""
    policy = Policy(until=ImportStatus.READY)
    known = ImportStatus(status)
    assert outcomes.at_status(outcome, progress(known, polls=polls), policy) == fact


@pytest.mark.parametrize(
    ("outcome", "succeeded", "words"),
    [
        (Outcome.COMPLETE, True, "succeeded first"),
        (Outcome.STOPPED, False, "failed first"),
        (Outcome.PENDING, False, "ended first (pending)"),
        (Outcome.PENDING, True, "ended first (pending)"),
        (Outcome.COMPLETE, False, "ended first (complete)"),
        (Outcome.STOPPED, True, "ended first (stopped)"),
    ],
)
def test_an_import_left_behind_names_the_decisive_one(
    outcome: Outcome, words: str, *, succeeded: bool
) -> None:
    """The message says which import ended the watch, and how; a user may have changed its exit code."""
    assert outcomes.left_behind(REF, outcome, succeeded=succeeded) == f"stopped watching: {REF} {words}"
