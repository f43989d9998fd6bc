"""Figures and their goals, as a Markdown table and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from statistics import median, quantiles
from typing import TYPE_CHECKING, assert_never

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Unit(Enum):
    """The unit of a sample."""

    SECONDS = "s"
    POLLS_PER_SECOND = "polls/s"
    BYTES = "bytes"
    SHARE = "share of a core"
    MODULES = "modules"


@dataclass(frozen=True, slots=True)
class Goal:
    """The bound for a figure.

    Attributes:
        bound: The bound in the figure's unit, or a ratio if the figure has a baseline.
        at_least: Whether the bound is a minimum.
    """

    bound: float
    at_least: bool = False

    def met_by(self, value: float) -> bool:
        """Return whether a value is within the bound."""
        return value >= self.bound if self.at_least else value <= self.bound


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Attributes:
        name: Its name.
        unit: The unit of the samples.
        goal: The goal; None for a figure that is only shown.
        ours: The samples of `watcher`.
        baseline: The samples of the baseline, each measured next to one of `ours`.
        judged_by_ratio: Whether the goal applies to the ratio; otherwise the baseline only shows the
            machine's limit.
    """

    name: str
    unit: Unit
    goal: Goal | None
    ours: Sequence[float]
    baseline: Sequence[float] = ()
    judged_by_ratio: bool = True

    @property
    def judged(self) -> list[float]:
        """The values that the goal applies to: the samples, or the ratio of each to its neighbour.

        Neighbours are compared because a machine's speed drifts during a benchmark.
        """
        if self.baseline and self.judged_by_ratio:
            return [ours / theirs for ours, theirs in zip(self.ours, self.baseline, strict=True)]
        return list(self.ours)

    @property
    def value(self) -> float:
        """The median of the judged values."""
        return median(self.judged)

    @property
    def spread(self) -> tuple[float, float]:
        """The quartiles of the judged values."""
        judged = self.judged
        if len(judged) == 1:
            return judged[0], judged[0]
        lower, _, upper = quantiles(judged, n=4, method="inclusive")
        return lower, upper

    @property
    def met(self) -> bool:
        """Whether the goal is met; true without a goal."""
        return self.goal is None or self.goal.met_by(self.value)


def as_markdown(figures: Iterable[Figure]) -> str:
    """Return a Markdown table of medians with quartiles in brackets."""
    lines = [
        "| figure | `watcher` | baseline | judged (quartiles) | goal | met |",
        "| :-- | --: | --: | --: | --: | :-- |",
    ]
    lines += [_line(figure) for figure in figures]
    return "\n".join(lines)


def _line(figure: Figure) -> str:
    baseline = _text(median(figure.baseline), figure.unit) if figure.baseline else ""
    unit = None if figure.baseline and figure.judged_by_ratio else figure.unit
    lower, upper = (_text(bound, unit) for bound in figure.spread)
    goal = figure.goal
    cells = (
        figure.name,
        _text(median(figure.ours), figure.unit),
        baseline,
        f"{_text(figure.value, unit)} ({lower} to {upper})",
        "" if goal is None else f"{'≥' if goal.at_least else '≤'} {_text(goal.bound, unit)}",
        "" if goal is None else "yes" if figure.met else "**no**",
    )
    return f"| {' | '.join(cells)} |"


def _text(value: float, unit: Unit | None) -> str:
    """Return a value as text; without a unit it is a ratio."""
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
    """Return figures as JSON objects, in units without prefixes."""
    return [
        {
            "name": figure.name,
            "unit": figure.unit.value,
            "ours": list(figure.ours),
            "baseline": list(figure.baseline),
            "value": figure.value,
            "quartiles": list(figure.spread),
            "is_ratio": bool(figure.baseline) and figure.judged_by_ratio,
            "goal": None if figure.goal is None else figure.goal.bound,
            "at_least": None if figure.goal is None else figure.goal.at_least,
            "met": figure.met,
        }
        for figure in figures
    ]
