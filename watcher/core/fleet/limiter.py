"""The rate limiter that all imports of one base URI share."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

from watcher.core import schedule
from watcher.core.answers.rate_limits import Hold, RateLimits
from watcher.core.answers.replies import Fault, Reply, Throttled
from watcher.core.fleet.concurrency import Concurrency
from watcher.core.fleet.windows import Windows

NEXT_REQUEST_AFTER = 2.0
"""Seconds after a request without a reply until the next one is sent although it exceeds the concurrency."""


class _Throttles:
    """The consecutive 429s, and the backoff after the last one."""

    def __init__(self) -> None:
        self.at = -math.inf
        self.in_a_row = 0
        self.ceiling = 0.0
        self._ceilings = schedule.throttle_ceilings()

    def count(self, now: float) -> None:
        self.at = now
        self.in_a_row += 1
        self.ceiling = next(self._ceilings)

    def end(self) -> None:
        self.in_a_row = 0
        self._ceilings = schedule.throttle_ceilings()


class Limiter:
    """Decide when the next request may be sent: after holds, and within windows and concurrency.

    While it is unknown what a window has left, requests are sent one at a time: at first, at the start of
    each window, and after a 429. Each further reply allows more of them, so that an undisclosed limit or an
    outage does not delay many imports for long. All imports share the ``hold``.

    While other processes use up a window as well, requests are spread evenly at the rate of a fair ``Share``.
    A rejected request is repeated at the start of the next window, so no process is rejected for long.
    """

    def __init__(self, random: Random) -> None:
        self.hold: Hold | None = None
        self._random = random
        self._windows = Windows(random)
        self._concurrency = Concurrency()
        self._started_at = -math.inf
        self._throttles = _Throttles()

    def ready_at(self, now: float, *, last: bool = False) -> float:
        """Return when the next request may be sent unless a reply arrives; up to ``now`` means at once."""
        moment = self.allowed_at(now, last=last)
        if moment <= now and not self._concurrency.allows(self._limit(now, last=last)):
            return self._started_at + NEXT_REQUEST_AFTER
        return moment

    def allowed_at(self, now: float, *, last: bool = False) -> float:
        """Return when the API accepts the next request, whatever is in flight; up to ``now`` means at once.

        The ``last`` poll of an import may use the reserve and needs no jitter, but never precedes a time that
        the API named.
        """
        moment = -math.inf
        if self.hold is not None:
            moment = self.hold.last_poll_at if last else self.hold.resume_at
        self._close_windows(now)
        return max(moment, self._windows.allowed_at(last=last))

    def start(self, now: float) -> None:
        """Count a request that is sent."""
        self._started_at = now
        self._concurrency.start()
        self._windows.start()
        self._windows.pace(now)

    def cancel(self, asked_at: float) -> None:
        """Count a request that was cancelled; it says nothing about the limits, and the API may count it."""
        self._concurrency.finish(asked_at)

    def observe(self, reply: Reply, limits: RateLimits, asked_at: float, now: float) -> Hold | None:
        """Update the limits from a reply and its headers' limits; return the hold that it caused."""
        self._concurrency.finish(asked_at)
        self._close_windows(now)
        throttled = isinstance(reply, Throttled)
        in_flight = self._concurrency.in_flight
        self._windows.observe(limits.budgets, in_flight, asked_at, now, throttled=throttled)
        # A request from before the last 429 says nothing about the limits since.
        is_current = asked_at >= self._throttles.at
        if throttled:
            if is_current:
                self._count_throttle(limits, now)
            self._concurrency.restart(now)
        elif is_current:
            is_fault = isinstance(reply, Fault)
            self._concurrency.grow(is_limit_known=bool(limits.budgets), is_fault=is_fault)
            if self._throttles.in_a_row and not is_fault:
                self._throttles.end()
        hold = self._make_hold(limits.named_wait(throttled=throttled), now, throttled=throttled)
        if hold is not None and isinstance(reply, Fault):
            hold = replace(hold, binds_until=now)
        if hold is not None:
            self.apply(hold)
        return hold

    def _limit(self, now: float, *, last: bool) -> float:
        limit = self._concurrency.limit
        if not last:
            return limit
        # Imports that share one timeout also share the time of their last polls.
        if self._windows.is_open(now):
            return math.inf
        usable = self._windows.usable_requests()
        return min(usable, limit) if self._throttles.in_a_row else usable

    def _close_windows(self, now: float) -> None:
        if self._windows.close_expired(now):
            self._concurrency.restart(now)

    def _count_throttle(self, limits: RateLimits, now: float) -> None:
        is_explained = any(budget.remaining <= 0 for budget in limits.budgets)
        if not self._throttles.in_a_row and not is_explained:
            self._concurrency.set_threshold()
        self._throttles.count(now)

    def _make_hold(self, named_wait: float | None, now: float, *, throttled: bool) -> Hold | None:
        in_a_row = max(1, self._throttles.in_a_row) if throttled else 0
        if named_wait is not None:
            until = now + named_wait
            resume_at = until + schedule.after_named(named_wait, self._random)
            if throttled:  # the wait that is announced includes the window's own jitter
                resume_at = max(resume_at, self._windows.allowed_at(last=False))
            return Hold(until, resume_at, named=True, in_a_row=in_a_row)
        if not throttled:
            return None
        resume_at = now + schedule.throttle_wait(self._throttles.ceiling, self._random)
        begins = self._windows.next_window(now)  # the present one is used up
        if begins > now:
            resume_at = max(resume_at, begins + schedule.after_named(begins - now, self._random))
        return Hold(now, resume_at, named=False, in_a_row=in_a_row)

    def apply(self, hold: Hold) -> None:
        """Apply a hold of a response or of an earlier run, beside the present one."""
        current = self.hold
        if current is None:
            self.hold = hold
            return
        binds_until = max(hold.last_poll_at, current.last_poll_at)
        if hold.until > current.resume_at:
            self.hold = replace(hold, binds_until=binds_until)
            return
        # The jitter of a named hold may be dropped, but a backoff must last.
        resume_at = current.resume_at if hold.named else max(current.resume_at, hold.resume_at)
        self.hold = Hold(
            until=max(hold.until, current.until),
            resume_at=resume_at,
            named=hold.named or current.named,
            in_a_row=max(hold.in_a_row, current.in_a_row),
            binds_until=binds_until,
        )
