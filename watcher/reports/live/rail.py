"""The rail: the steps of one import with the time spent in each, as much of it as there is room for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise
from typing import TYPE_CHECKING

from rich.text import Text

from watcher.core import lifecycle
from watcher.core.statuses import ImportStatus
from watcher.core.text import duration
from watcher.reports.live.glyphs import Mark
from watcher.reports.live.views import running

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watcher.core.events import Progress
    from watcher.core.statuses import Status
    from watcher.reports.live.glyphs import Glyphs

STATIONS_BEHIND = 6
"""The latest steps that are drawn; the way of an import has at most five, but an API may waver."""

_USUAL_WAY = (
    ImportStatus.PREPARING,
    ImportStatus.READY,
    ImportStatus.IN_PROGRESS,
    ImportStatus.COMPLETE,
)


class Place(Enum):
    """Where a station lies, seen from where the import stands."""

    PASSED = auto()
    CURRENT = auto()
    AHEAD = auto()


@dataclass(frozen=True, slots=True)
class Station:
    """One step on the rail.

    Attributes:
        name: The status, or what stands for it before the first sight.
        place: Where it lies.
        spent: The time spent in it, in words; None where there is none to tell.
    """

    name: str
    place: Place
    spent: str | None = None


@dataclass(frozen=True, slots=True)
class _Detail:
    """How much of the rail is drawn.

    Attributes:
        joined: Whether a line joins the stations.
        names: Whether the stations passed and ahead are named, and not only the current one.
        times: Whether the time spent in those passed is told.
        places: The places that are drawn at all.
    """

    joined: bool
    names: bool
    times: bool
    places: frozenset[Place] = frozenset(Place)


_DETAILS = (
    _Detail(joined=True, names=True, times=True),
    _Detail(joined=False, names=True, times=True),
    _Detail(joined=False, names=False, times=True),
    _Detail(joined=False, names=False, times=False),
    _Detail(joined=False, names=False, times=False, places=frozenset({Place.CURRENT})),
)


def stations(progress: Progress, *, over: bool) -> tuple[Station, ...]:
    """Lays out the steps that were seen and those that usually follow.

    An approval is a station only where one was waited for: most imports need none.

    Args:
        progress: How far the wait has come.
        over: Whether it has ended.

    Returns:
        The stations in the order of time; exactly one is the current one.
    """
    seen = progress.transitions[-STATIONS_BEHIND:]
    behind = [Station(before.to, Place.PASSED, _told(after.in_state)) for before, after in pairwise(seen)]
    told = duration if over else running
    if not seen:
        current = Station("not seen yet", Place.CURRENT, told(progress.elapsed))
    elif seen[-1].to in lifecycle.FINAL:
        current = Station(seen[-1].to, Place.CURRENT)
    else:
        current = Station(seen[-1].to, Place.CURRENT, told(progress.in_state or 0.0))
    last_known = next((step.to for step in reversed(seen) if isinstance(step.to, ImportStatus)), None)
    ahead = [Station(status, Place.AHEAD) for status in _USUAL_WAY if _follows(status, last_known)]
    return (*behind, current, *ahead)


def draw_rail(way: Iterable[Station], current: Mark, width: int, glyphs: Glyphs) -> Text:
    """Draws a rail with as much detail as fits.

    Args:
        way: The stations.
        current: How the current one is marked.
        width: Cells of the terminal.
        glyphs: The characters.

    Returns:
        One line; wider than ``width`` only where even the current station alone is.
    """
    way = tuple(way)
    drawn = Text()
    for detail in _DETAILS:
        joint = Text.assemble((f" {glyphs.rail} " if detail.joined else " ", "dim"))
        shown = [station for station in way if station.place in detail.places]
        drawn = joint.join(_draw_station(station, current, detail, glyphs) for station in shown)
        if drawn.cell_len <= width:
            break
    return drawn


def draw_marks(way: Iterable[Station], current: Mark, glyphs: Glyphs) -> Text:
    """Draws a rail without any words.

    Args:
        way: The stations.
        current: How the current one is marked.
        glyphs: The characters.

    Returns:
        One character a station.
    """
    marks = [_mark(station, current, glyphs) for station in way]
    return Text.assemble(*((mark.glyph, mark.style) for mark in marks))


def _told(seconds: float | None) -> str | None:
    return None if seconds is None else duration(seconds)


def _follows(status: ImportStatus, last_known: Status | None) -> bool:
    if not isinstance(last_known, ImportStatus):
        return True
    return status is not last_known and lifecycle.is_at_or_past(status, last_known)


def _mark(station: Station, current: Mark, glyphs: Glyphs) -> Mark:
    match station.place:
        case Place.PASSED:
            return Mark(glyphs.passed, "green")
        case Place.CURRENT:
            return current
        case Place.AHEAD:
            return Mark(glyphs.ahead, "dim")


def _draw_station(station: Station, current: Mark, detail: _Detail, glyphs: Glyphs) -> Text:
    mark = _mark(station, current, glyphs)
    is_current = station.place is Place.CURRENT
    drawn = Text.assemble((mark.glyph, mark.style))
    if is_current or detail.names:
        name = station.name if detail.joined else _SHORT_NAMES.get(station.name, station.name)
        drawn.append(f" {name}", "bold" if is_current else "dim" if station.place is Place.AHEAD else "")
    if station.spent is not None and (is_current or detail.times):
        drawn.append(f" {station.spent}", mark.style if is_current else "dim")
    return drawn


_SHORT_NAMES = {str(ImportStatus.PENDING_APPROVAL): "approval"}
