"""Properties of a wait under any sequence of replies."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from tests.support.driving import (
    DENIED,
    MISDIRECTED,
    MISSING,
    NETWORK,
    PROXY,
    REDIRECT,
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
from watcher.core import lifecycle
from watcher.core.answers.rate_limits import Hold
from watcher.core.answers.replies import ApiError, Denied, Found, Reply
from watcher.core.events import Changed, Ended
from watcher.core.policy import Policy
from watcher.core.statuses import ImportStatus, Outcome, UnknownStatusRule

statuses = st.sampled_from([*map(str, ImportStatus), "validating", "archiving"])
replies = st.one_of(
    statuses.map(seen),
    st.sampled_from(
        [MISSING, DENIED, REFUSED, REDIRECT, WRONG_IMPORT, NETWORK, SERVER, SIGN_IN_PAGE, UNKNOWN_HOST]
    ),
    st.sampled_from([REFUSING_PAGE, PROXY, MISDIRECTED]),
    st.sampled_from([THROTTLED, Denied(ApiError(401), token_changed=True)]),
)
limits = st.floats(0.1, 500) | st.just(math.inf)
ends = st.tuples(
    st.sampled_from(ImportStatus), st.frozensets(st.sampled_from(ImportStatus), max_size=2)
).filter(lambda both: both[0] not in both[1])
policies = st.builds(
    lambda both, **others: Policy(until=both[0], fail_on=both[1], **others),
    ends,
    once=st.booleans(),
    unknown_status=st.sampled_from(UnknownStatusRule),
    timeout=limits,
    max_in_state=st.dictionaries(st.sampled_from(ImportStatus), limits, max_size=2),
    outage_budget=limits,
    appear_within=st.floats(0, 100),
    min_interval=st.floats(0.1, 2),
    max_interval=st.floats(2, 60),
    growth=st.floats(1, 3),
)
delays = st.none() | st.floats(0, 5)
holds = st.none() | st.tuples(st.floats(0, 200), st.floats(0, 20), st.booleans())
inputs = st.lists(st.tuples(replies, delays, holds), max_size=60)


@given(policies, inputs, st.integers(0, 100))
def test_every_sequence_of_replies(
    policy: Policy,
    sequence: list[tuple[Reply, float | None, tuple[float, float, bool] | None]],
    seed: int,
) -> None:
    """Sleeps respect holds and deadlines, a wait ends once, and a success is the last status."""
    driven = Driven(policy, seed=seed)
    for last, delay, asked in sequence:
        due = driven.wake_at
        if due is None:
            break
        now = due + (delay or 0.0)
        hold = None
        if asked is not None:
            wait, jitter, named = asked
            hold = Hold(now + wait if named else now, now + wait + jitter, named=named, in_a_row=1)
        step = driven.receive(last, at=now, took=delay or 0.0, hold=hold)
        if step.wake_at is None:
            _check_end(driven, policy, last)
        else:
            assert now <= step.wake_at <= driven.waiter.deadline
            assert hold is None or not hold.named or step.wake_at >= hold.until
    assert len(driven.told(Ended)) == (1 if driven.waiter.over else 0)
    changes = [(change.transition.source, change.transition.to) for change in driven.told(Changed)]
    assert all(source != to for source, to in changes)


def _check_end(driven: Driven, policy: Policy, last: Reply) -> None:
    ended = driven.ended
    assert ended.message.isprintable()
    if isinstance(last, Found):
        judged = lifecycle.outcome_of(last.found.status, policy.until, policy.fail_on)
        assert judged is None or ended.outcome is judged or policy.unknown_status is UnknownStatusRule.FAIL
    if ended.outcome in {Outcome.COMPLETE, Outcome.REACHED}:
        assert isinstance(last, Found)
        assert lifecycle.is_at_or_past(last.found.status, policy.until) or last.found.status == "complete"
