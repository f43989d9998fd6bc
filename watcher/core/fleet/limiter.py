"""The limiter that all imports of one base URI share: the API's holds, and what its windows have left."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from watcher.core import schedule
from watcher.core.answers.rate_limits import Hold
from watcher.core.answers.replies import Fault, Throttled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from watcher.core.answers.rate_limits import Budget, Limit, RateLimits
    from watcher.core.answers.replies import Reply

WINDOW = 10.0
"""Length of LaunchDarkly's rate-limit windows in seconds, for a window whose end is not told."""

RESERVE = 4
"""One part in this many of a window is left to the account's other users."""

PATIENCE = 2.0
"""Seconds after a request, if it brings no answer, until the next one goes that would have waited for it."""

_LEAST_CAUTION = 2
"""Requests under way up to which a fleet always grows fast, as the smallest threshold of RFC 5681, 3.1."""


@dataclass(slots=True)
class _Window:
    """What one limit has left until its window ends.

    Attributes:
        name: The window's end as the server names it; None where it is not told.
        left: Requests that may still be started, those under way already taken off.
        reserve: How many of these are left to the account's other users.
        ends: When it ends, on the monotonic clock in seconds.
        resumes: When to use the next one: later by a jitter, for others wait for the same moment.
    """

    name: int | None
    left: int
    reserve: int
    ends: float
    resumes: float


class Limiter:
    """Says when the next request may go. It is pure: time and chance are handed in.

    While it is unknown what a window has left, requests go one at a time: at first, at the start of each
    window, and after a refusal; those that are under way by then do not count. Each further answer or fault
    that tells nothing doubles how many may be under way, so that neither a limit that is not told nor an
    outage holds up a whole fleet; and where no answer comes for a moment, one more goes, so that a request
    that hangs does not either.

    A limit that is not told is found by being refused. From then on, answers add to what is under way as in
    TCP's congestion avoidance (RFC 5681, 3.1): past half of what it was at that refusal, one a round trip.

    Args:
        random: The source of jitter.

    Attributes:
        hold: The stretch without requests that all imports share; an earlier run may have left one.
    """

    def __init__(self, random: Random) -> None:
        self.hold: Hold | None = None
        self._random = random
        self._windows: dict[Limit, _Window] = {}
        self._next_close = math.inf
        self._sizes: dict[Limit, int] = {}
        self._under_way = 0
        self._started_at = -math.inf
        self._abreast = 1.0
        self._abreast_since = -math.inf
        self._started_since = 0
        self._cautious_from = math.inf
        self._refused_at = -math.inf
        self._in_a_row = 0
        self._ceilings: Iterator[float] = schedule.throttle_ceilings()
        self._ceiling = 0.0

    def ready_at(self, now: float, *, last: bool = False) -> float:
        """Tells when the next request may go, if no answer comes before.

        Args:
            now: The monotonic clock in seconds.
            last: Whether it is the last chance of its import.

        Returns:
            The moment on that clock; ``now`` or earlier means at once.
        """
        moment = self.allowed_at(now, last=last)
        if moment <= now and self._started_since + 1 > self._most_abreast(now, last=last):
            return self._started_at + PATIENCE
        return moment

    def allowed_at(self, now: float, *, last: bool = False) -> float:
        """Tells when the API takes the next request, whatever is under way.

        Args:
            now: The monotonic clock in seconds.
            last: Whether it is the last chance of its import: it may use what is kept back for others, and
                comes without jitter, but never before a moment that the API named.

        Returns:
            The moment on that clock; ``now`` or earlier means at once.
        """
        moment = -math.inf
        if self.hold is not None:
            moment = self.hold.until if last else self.hold.resume_at
        self._close_windows(now)
        for window in self._windows.values():
            if window.left <= (0 if last else window.reserve):
                moment = max(moment, window.ends if last else window.resumes)
        return moment

    def start(self, now: float) -> None:
        """Counts a request that goes out.

        Args:
            now: The monotonic clock in seconds.
        """
        self._started_at = now
        self._under_way += 1
        self._started_since += 1
        for window in self._windows.values():
            window.left -= 1

    def observe(self, reply: Reply, limits: RateLimits, asked_at: float, now: float) -> Hold | None:
        """Takes in what a reply says of the rate limits.

        Args:
            reply: What the request brought.
            limits: What the answer's headers say.
            asked_at: When the request went out, on the monotonic clock in seconds.
            now: When the reply came.

        Returns:
            The stretch without requests that it asks for.
        """
        self._under_way -= 1
        if asked_at >= self._abreast_since:
            self._started_since = max(0, self._started_since - 1)
        self._close_windows(now)
        for budget in limits.budgets:
            self._count_down(budget, now)
        throttled = isinstance(reply, Throttled)
        if throttled:
            if asked_at >= self._refused_at:  # else it went out together with one that was refused before
                if not self._in_a_row and not any(budget.remaining <= 0 for budget in limits.budgets):
                    self._cautious_from = max(_LEAST_CAUTION, (self._under_way + 1) / 2)
                self._refused_at = now
                self._in_a_row += 1
                self._ceiling = next(self._ceilings)
            self._go_singly(now)
        elif asked_at >= self._refused_at:  # else it says nothing of what holds since the refusal
            self._widen(told=bool(limits.budgets), is_fault=isinstance(reply, Fault))
            if self._in_a_row and not isinstance(reply, Fault):
                self._in_a_row = 0
                self._ceilings = schedule.throttle_ceilings()
        hold = self._make_hold(limits.named_wait(throttled=throttled), now, throttled=throttled)
        if hold is not None:
            self._share(hold)
        return hold

    def _most_abreast(self, now: float, *, last: bool) -> float:
        if not last:
            return self._abreast
        # One --timeout is for all imports, so their last chances come together.
        if any(now < window.ends for window in self._windows.values()):
            return math.inf
        share = min((_usable(size) for size in self._sizes.values()), default=math.inf)
        return min(share, self._abreast) if self._in_a_row else share

    def _go_singly(self, now: float) -> None:
        self._abreast = 1
        self._abreast_since = now
        self._started_since = 0

    def _widen(self, *, told: bool, is_fault: bool) -> None:
        if told and math.isinf(self._cautious_from):
            self._abreast = math.inf
        elif is_fault:
            self._abreast *= 2
        elif self._abreast < self._cautious_from:
            self._abreast = min(self._abreast * 2, self._cautious_from)
        else:
            self._abreast += 1 / self._abreast

    def _close_windows(self, now: float) -> None:
        if now < self._next_close:
            return
        self._windows = {limit: window for limit, window in self._windows.items() if now < window.resumes}
        self._next_close = min((window.resumes for window in self._windows.values()), default=math.inf)
        self._go_singly(now)

    def _count_down(self, budget: Budget, now: float) -> None:
        # The server may not have counted those under way when it wrote this answer.
        left = budget.remaining - self._under_way
        window = self._windows.get(budget.limit)
        if window is not None and window.name == budget.window:
            window.left = min(window.left, left)
            return
        if window is not None and _older(budget, window):
            return
        # Where the size is not told, the window that had most left is nearest to it.
        size = budget.size or max(budget.remaining, self._sizes.get(budget.limit, 0))
        self._sizes[budget.limit] = size
        length = WINDOW if budget.resets_in is None else budget.resets_in
        ends = now + length
        resumes = ends + schedule.after_named(length, self._random)
        self._windows[budget.limit] = _Window(budget.window, left, size // RESERVE, ends, resumes)
        self._next_close = min(window.resumes for window in self._windows.values())

    def _make_hold(self, named: float | None, now: float, *, throttled: bool) -> Hold | None:
        in_a_row = max(1, self._in_a_row) if throttled else 0
        if named is not None:
            until = now + named
            return Hold(
                until, until + schedule.after_named(named, self._random), named=True, in_a_row=in_a_row
            )
        if not throttled:
            return None
        wait = schedule.throttle_wait(self._ceiling, self._random)
        return Hold(now, now + wait, named=False, in_a_row=in_a_row)

    def _share(self, hold: Hold) -> None:
        current = self.hold
        if current is None or hold.until > current.resume_at:
            self.hold = hold
            return
        until = max(hold.until, current.until)
        # Of a named hold only the moment binds; a backoff without a moment is all there is.
        binding = hold.until if hold.named else hold.resume_at
        self.hold = Hold(
            until=until,
            resume_at=max(current.resume_at, until, binding),
            named=hold.named or current.named,
            in_a_row=max(hold.in_a_row, current.in_a_row),
        )


def _usable(size: int) -> int:
    """What of a window may be used, at least one request."""
    return max(1, size - size // RESERVE)


def _older(budget: Budget, window: _Window) -> bool:
    return budget.window is not None and window.name is not None and budget.window < window.name
