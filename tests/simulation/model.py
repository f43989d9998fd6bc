"""A model of LaunchDarkly, with lives of imports, rate limits and faults."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import TYPE_CHECKING

from tests.simulation.answers import MESSES, Said, Served, broken, faulty, http_date, truth
from tests.simulation.limits import RateLimits
from tests.simulation.scenario import DateStyle, PlannedFault
from tests.simulation.virtual import dice, server_unix

if TYPE_CHECKING:
    from tests.simulation.scenario import Scenario

_SHORT_HOLDS = (0, 1, 2, 3, 5, 8, 15)
_LONG_HOLDS = (*_SHORT_HOLDS, 45, 130, 700)
_NO_MOMENTS = ("soon", "-3", "", "Thu, 99 Foo 2023 25:61:61 GMT", "3601", "86400", "20000000000", "9" * 400)


class Server:
    """Respond to the requests of one scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._world = scenario.world
        self._random = dice(scenario.seed, 1)
        self._limits = RateLimits(scenario.world.limits, dice(scenario.seed, 2))
        self._begins = [[phase.begins for phase in life] for life in scenario.lives]
        self._rotated = False

    def latency(self) -> tuple[float, float]:
        """Draw the latency of a request and of its response."""
        latency = self._world.latency
        whole = math.exp(self._random.uniform(math.log(latency.least), math.log(latency.most)))
        return whole * latency.outward, whole * (1 - latency.outward)

    def shown(self, position: int, now: float) -> str | None:
        """Return the status of an import."""
        life = self._scenario.lives[position]
        return life[max(0, bisect_right(self._begins[position], now) - 1)].shown

    def serve(self, position: int, now: float) -> Served:
        """Respond to a request that reaches the server now."""
        fault = self._fault(position, now)
        nothing = None if fault is None else broken(fault)
        if nothing is not None:
            return nothing
        unix = server_unix(now)
        headers: dict[str, str] = {"content-type": "application/json"}
        date = self._date(unix, headers)
        ref, status = self._scenario.refs[position], self.shown(position, now)
        if fault is not None:  # from a gateway in front of the API, which does not count it
            said = self._gateway_hold(fault, unix, date, headers)
            return faulty(fault, ref, status, headers, said)
        ruling = self._limits.rule(unix)
        headers.update(ruling.headers)
        if ruling.refused:
            if ruling.retry_after is not None:
                headers["retry-after"] = str(ruling.retry_after)
            said = Said(date, retry_after=ruling.retry_after, resets=ruling.resets)
            return faulty(PlannedFault.BARE_REFUSAL, ref, status, headers, said)
        seconds: int | None = None
        moment: int | None = None
        if self._random.random() < self._world.holds:
            seconds, moment = self._retry_after(unix, headers, _SHORT_HOLDS)
        mess = self._random.choice(MESSES)
        return truth(ref, status, headers, Said(date, seconds, moment, ruling.resets), mess)

    def _fault(self, position: int, now: float) -> PlannedFault | None:
        for outage in self._world.outages:
            if outage.begins <= now < outage.ends and outage.victim in {None, position}:
                return self._once_rotated(self._random.choice(outage.faults))
        if self._world.blips and self._random.random() < self._world.blips:
            return self._once_rotated(self._random.choice(self._world.blip_faults))
        return None

    def _once_rotated(self, fault: PlannedFault) -> PlannedFault:
        """Rotate the token only once."""
        if fault is not PlannedFault.ROTATED_TOKEN:
            return fault
        if self._rotated:
            return PlannedFault.UNAUTHORIZED
        self._rotated = True
        return fault

    def _date(self, unix: float, headers: dict[str, str]) -> int | None:
        match self._world.dates:
            case DateStyle.MISSING:
                return None
            case DateStyle.GARBAGE:
                headers["date"] = "yesterday, around noon"
                return None
            case DateStyle.TRUE:
                headers["date"] = http_date(unix)
                return int(unix)

    def _gateway_hold(
        self, fault: PlannedFault, unix: float, date: int | None, headers: dict[str, str]
    ) -> Said:
        if fault is PlannedFault.UNAVAILABLE_SECONDS:
            seconds = self._random.choice(_LONG_HOLDS)
            headers["retry-after"] = str(seconds)
            return Said(date, retry_after=seconds)
        if fault is PlannedFault.UNAVAILABLE_DATE:
            moment = int(unix) + self._random.choice(_LONG_HOLDS)
            headers["retry-after"] = http_date(moment)
            return Said(date, retry_at=moment)
        if self._random.random() < self._world.holds:
            return Said(date, *self._retry_after(unix, headers, _SHORT_HOLDS))
        return Said(date)

    def _retry_after(
        self, unix: float, headers: dict[str, str], sizes: tuple[int, ...]
    ) -> tuple[int | None, int | None]:
        size = self._random.choice(sizes)
        match self._random.randrange(7):
            case 0:
                headers["retry-after"] = self._random.choice(_NO_MOMENTS)
                return None, None
            case 1 | 2:
                headers["retry-after"] = http_date(unix + size)
                return None, int(unix + size)
            case 3:
                headers["retry-after"] = str(int(unix + size) * self._random.choice((1, 1000)))
                return None, int(unix + size)
            case _:
                headers["retry-after"] = str(size)
                return size, None
