"""How a wait sleeps: the first deadline, holds, and the wait that is announced."""

from __future__ import annotations

import math
from random import Random

import pytest

from tests.support.driving import EPOCH, MISSING, NETWORK, REF, THROTTLED, Driven, seen
from watcher.core import defaults
from watcher.core.answers.rate_limits import Hold
from watcher.core.answers.replies import Reply
from watcher.core.events import Ended, MetThrottle, Retrying
from watcher.core.model import Import, Instant
from watcher.core.policy import Policy
from watcher.core.statuses import ImportStatus, Outcome, parse_status
from watcher.core.wait.record import Record
from watcher.core.wait.steps import Arrival, Deadline, first_deadline
from watcher.core.wait.waiter import Waiter

READY, PREPARING = ImportStatus.READY, ImportStatus.PREPARING


def record(status: str | None, *, since: float = 5.0, stale_since: float | None = None) -> Record:
    """Return the record of a wait since 0 s that has been in a status for a while."""
    made = Record(0.0)
    if status is not None:
        made.observe(Import(parse_status(status)), Instant(since, EPOCH + since))
    made.stale_since = stale_since
    return made


@pytest.mark.parametrize(
    ("limits", "observed", "deadline"),
    [
        pytest.param({}, record("ready"), Deadline(100.0, 100.0), id="the whole wait"),
        pytest.param({READY: 20.0}, record("ready"), Deadline(25.0, 20.0, READY), id="the status"),
        pytest.param({READY: 20.0}, record("preparing"), Deadline(100.0, 100.0), id="another status"),
        pytest.param({READY: 20.0}, record("validating"), Deadline(100.0, 100.0), id="an unknown status"),
        pytest.param({READY: 20.0}, record(None), Deadline(100.0, 100.0), id="no status"),
        pytest.param({READY: 96.0}, record("ready"), Deadline(100.0, 100.0), id="a later one"),
        pytest.param({READY: 95.0}, record("ready"), Deadline(100.0, 95.0, READY), id="at the same time"),
        pytest.param({}, record("ready", stale_since=99.0), Deadline(100.0, 100.0), id="resumed before"),
        pytest.param({}, record("ready", stale_since=100.0), Deadline(130.0, 100.0), id="resumed at it"),
        pytest.param({}, record("ready", stale_since=500.0), Deadline(530.0, 100.0), id="resumed later"),
    ],
)
def test_the_first_deadline_decides(
    limits: dict[ImportStatus, float], observed: Record, deadline: Deadline
) -> None:
    """The deadline that passes first is the one, but one that passed before this run allows another poll."""
    policy = Policy(timeout=100.0, max_in_state=limits, outage_budget=30.0)
    assert first_deadline(policy, observed) == deadline


def test_the_one_more_poll_takes_a_limited_time() -> None:
    """Without a limit for outages, the poll after a passed deadline has the default one."""
    policy = Policy(timeout=100.0, outage_budget=math.inf)
    assert first_deadline(policy, record("ready", stale_since=200.0)).at == 200.0 + defaults.OUTAGE_BUDGET


@pytest.mark.parametrize(
    ("policy", "reply", "message"),
    [
        pytest.param(
            Policy(timeout=36.5),
            NETWORK,
            f"timed out after 36s; last status ready for 31s; last error: {NETWORK.detail}. "
            "Check in LaunchDarkly whether the import must be started, then watch it again.",
            id="a fault",
        ),
        pytest.param(
            Policy(max_in_state={READY: 31.5}),
            MISSING,
            f"timed out: ready for more than 31s; last error: {MISSING.error}. "
            "Check in LaunchDarkly whether the import must be started, then watch it again.",
            id="an unconfirmed error",
        ),
    ],
)
def test_a_deadline_is_judged_after_a_reply(policy: Policy, reply: Reply, message: str) -> None:
    """A reply at the deadline ends the wait, and the message names the limit and the last error."""
    driven = Driven(policy)
    driven.receive(seen("ready"), at=5.0)
    driven.receive(reply, at=36.5)
    assert driven.outcome is Outcome.TIMEOUT
    assert driven.ended.message == message


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (Policy(timeout=30.0), "timed out: the API asks to wait 26s, past the timeout of 30s; "),
        (
            Policy(max_in_state={READY: 25.0}),
            "timed out: the API asks to wait 26s, past the limit of 25s for this status; ",
        ),
    ],
)
def test_a_hold_past_the_deadline_names_the_limit(policy: Policy, message: str) -> None:
    """The message says how long the API asks to wait, and which limit that exceeds."""
    driven = Driven(policy)
    driven.receive(seen("ready"), at=5.0)
    driven.receive(THROTTLED, at=5.0, hold=Hold(31.0, 31.5, named=True, in_a_row=1))
    assert driven.outcome is Outcome.TIMEOUT
    assert driven.ended.message.startswith(message)


def test_a_hold_that_ends_at_the_deadline_keeps_the_last_poll() -> None:
    """A poll at the deadline is possible if the API asked to wait until then."""
    driven = Driven(Policy(timeout=30.0))
    driven.receive(THROTTLED, at=5.0, hold=Hold(30.0, 31.0, named=True, in_a_row=1))
    assert driven.wake_at == 30.0


@pytest.mark.parametrize(
    ("allowed_at", "wait"), [(-math.inf, 4.0), (8.0, 4.0), (12.0, 8.0), (900.0, 26.0), (math.inf, 26.0)]
)
@pytest.mark.parametrize("reply", [THROTTLED, NETWORK])
def test_the_announced_wait_includes_the_limits_of_all_imports(
    reply: Reply, allowed_at: float, wait: float
) -> None:
    """The event announces the time until the poll is really sent, at the latest at the deadline."""
    now = Instant(4.0, EPOCH + 4.0)
    waiter = Waiter(REF, Policy(timeout=30.0), Instant(0.0, EPOCH), Random(0))
    hold = Hold(8.0, 8.0, named=True, in_a_row=1)
    (told,) = waiter.receive(reply, Arrival(3.0, now, hold, allowed_at)).events
    assert isinstance(told, MetThrottle | Retrying)
    assert told.wait == wait


def test_a_hold_delays_even_the_last_poll_of_an_outage() -> None:
    """A named time is respected past the outage budget, and the jitter after it too."""
    driven = Driven(Policy(outage_budget=60.0, max_interval=1000.0))
    driven.receive(NETWORK, at=0.0, hold=Hold(100.0, 103.0, named=True, binds_until=0.0))
    assert driven.wake_at == 100.0
    driven = Driven(Policy(outage_budget=60.0))
    driven.receive(NETWORK, at=0.0, hold=Hold(50.0, 53.0, named=True, binds_until=0.0))
    assert driven.wake_at == 53.0


def test_the_end_is_the_last_event() -> None:
    """The last step has the transition and the end, with the progress at that time."""
    driven = Driven()
    step = driven.receive(seen("complete"), at=7.0)
    changed, ended = step.events
    assert isinstance(ended, Ended)
    assert (ended.ref, ended.at, ended.signal, ended.left_behind) == (REF, driven.instant(), None, False)
    assert ended.progress == changed.progress == driven.waiter.progress(driven.instant())
    assert (step.wake_at, step.fresh) == (None, False)
