"""What was measured, judged against its goal, and laid out for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from statistics import median, quantiles
from typing import TYPE_CHECKING, assert_never

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Unit(Enum):
    """What a sample counts."""

    SECONDS = "s"
    POLLS_PER_SECOND = "polls/s"
    BYTES = "bytes"
    SHARE = "share of a core"
    MODULES = "modules"


@dataclass(frozen=True, slots=True)
class Goal:
    """The bound that a figure has to keep.

    Attributes:
        bound: The bound, in the figure's unit; of a figure with a yardstick, a ratio.
        at_least: Whether more is better.
    """

    bound: float
    at_least: bool = False

    def met_by(self, value: float) -> bool:
        """Tells whether a value keeps the bound."""
        return value >= self.bound if self.at_least else value <= self.bound


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Attributes:
        name: What it is called.
        unit: What the samples count.
        goal: What is asked of it; none where it is only shown.
        ours: The samples of `watcher`.
        yardstick: The samples that they are measured against, each taken next to one of them.
        judged_by_ratio: Whether the goal is about the ratio; else the yardstick only shows what the machine
            can do.
    """

    name: str
    unit: Unit
    goal: Goal | None
    ours: Sequence[float]
    yardstick: Sequence[float] = ()
    judged_by_ratio: bool = True

    @property
    def judged(self) -> list[float]:
        """What the goal is about: the samples, or the ratio of each to its neighbour.

        Machines drift while a benchmark runs, and neighbours drift together.
        """
        if self.yardstick and self.judged_by_ratio:
            return [ours / theirs for ours, theirs in zip(self.ours, self.yardstick, strict=True)]
        return list(self.ours)

    @property
    def value(self) -> float:
        """The median of what the goal is about."""
        return median(self.judged)

    @property
    def spread(self) -> tuple[float, float]:
        """The quartiles of what the goal is about."""
        judged = self.judged
        if len(judged) == 1:
            return judged[0], judged[0]
        lower, _, upper = quantiles(judged, n=4, method="inclusive")
        return lower, upper

    @property
    def met(self) -> bool:
        """Whether the goal, if there is one, is met."""
        return self.goal is None or self.goal.met_by(self.value)


def as_markdown(figures: Iterable[Figure]) -> str:
    """Lays figures out for people.

    Args:
        figures: The figures.

    Returns:
        A Markdown table of medians, with quartiles in brackets.
    """
    lines = [
        "| what | `watcher` | yardstick | judged (quartiles) | goal | met |",
        "| :-- | --: | --: | --: | --: | :-- |",
    ]
    lines += [_line(figure) for figure in figures]
    return "\n".join(lines)


def _line(figure: Figure) -> str:
    yardstick = _written(median(figure.yardstick), figure.unit) if figure.yardstick else ""
    unit = None if figure.yardstick and figure.judged_by_ratio else figure.unit
    lower, upper = (_written(bound, unit) for bound in figure.spread)
    goal = figure.goal
    cells = (
        figure.name,
        _written(median(figure.ours), figure.unit),
        yardstick,
        f"{_written(figure.value, unit)} ({lower} to {upper})",
        "" if goal is None else f"{'≥' if goal.at_least else '≤'} {_written(goal.bound, unit)}",
        "" if goal is None else "yes" if figure.met else "**no**",
    )
    return f"| {' | '.join(cells)} |"


def _written(value: float, unit: Unit | None) -> str:
    """Writes a value for people; without a unit it is a ratio."""
    match unit:
        case None:
            return f"{value:.2f}x"
        case Unit.SECONDS:
            return f"{value * 1000:.1f} ms"
        case Unit.POLLS_PER_SECOND:
            return f"{value:.0f} polls/s"
        case Unit.BYTES:
            return f"{value / 2**20:.1f} MiB" if value >= 2**20 else f"{value / 2**10:.2f} KiB"
        case Unit.SHARE:
            return f"{value:.3%}"
        case Unit.MODULES:
            return f"{value:.0f}"
        case _:
            assert_never(unit)


def as_document(figures: Iterable[Figure]) -> list[dict[str, object]]:
    """Turns figures into what JSON can hold.

    Args:
        figures: The figures.

    Returns:
        An object for each, in units without prefixes.
    """
    return [
        {
            "name": figure.name,
            "unit": figure.unit.value,
            "ours": list(figure.ours),
            "yardstick": list(figure.yardstick),
            "value": figure.value,
            "quartiles": list(figure.spread),
            "is_ratio": bool(figure.yardstick) and figure.judged_by_ratio,
            "goal": None if figure.goal is None else figure.goal.bound,
            "at_least": None if figure.goal is None else figure.goal.at_least,
            "met": figure.met,
        }
        for figure in figures
    ]
