"""One frame of the live view: a step track for one import, a table for several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, OverflowMethod, RenderableType
from rich.table import Table
from rich.text import Text

from watcher.core.messages.progress import failures, polls, requests, tally_of_successes, waiting_for
from watcher.core.statuses import SUCCESSES
from watcher.core.text import tally
from watcher.reports.grouping import summarize
from watcher.reports.live.view_state import Attention, ImportView, running_time
from watcher.reports.names import count_shared_keys, joined

_WIDE = 60
"""Columns from which the explanation follows the status, and a row of the table has steps and a note."""

_NARROW = 40
"""Columns below which a row is one line of text that is cut, because rich would drop whole columns."""

_TRACK = 24
_PULSE = 5
_BAR = 20
_TIME = 6
"""Width of a time, such as ``59m59s``."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters that a terminal can show.

    Attributes:
        spinner: The characters of the current step, one per frame.
        rail: The track of the current step; ``moving`` is its part that moves.
        dot: Separates two facts.
        overflow: How rich cuts a line that is too long; its ellipsis is not ASCII.
    """

    spinner: str
    done: str
    ahead: str
    failed: str
    inconclusive: str
    rail: str
    moving: str
    dot: str
    overflow: OverflowMethod


UNICODE = Glyphs("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "✓", "○", "✗", "■", "─", "━", "·", "ellipsis")
ASCII = Glyphs("|/-\\", "+", ".", "x", "=", "-", "=", "-", "crop")


@dataclass(frozen=True, slots=True)
class Frame:
    """A renderable for rich, with the least important lines and rows last.

    Attributes:
        views: The imports in the order in which they were named.
        turn: The number of the frame, for everything that moves.
        names_target: Whether to name a single import.
    """

    views: Sequence[ImportView]
    glyphs: Glyphs
    turn: int = 0
    names_target: bool = True

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> Iterable[RenderableType]:
        """Return the content for a terminal of a certain size."""
        width, height = options.max_width, options.size.height - 1
        return self._one(self.views[0], width, height) if len(self.views) == 1 else self._table(width, height)

    def _one(self, view: ImportView, width: int, height: int) -> Iterable[RenderableType]:
        """Draw the status and its duration, the steps, and facts about the wait."""
        mark, style = self._mark(view)
        lead = " " * (len(mark) + 1)
        title = Text.assemble((mark, style), " ", (f" {view.name}  {view.spent} ", f"bold reverse {style}"))
        explanation = waiting_for(view.progress) if view.ended is None else requests(view.progress)
        if width >= _WIDE:
            head = [title.append(f"  {explanation}")]
        else:
            head = [title, *_wrap(Text(explanation), lead, width)]
        if view.trouble is not None:
            head += _wrap(Text(f"! {view.trouble}", "yellow"), lead, width)
        steps = list(self._steps(view, lead, width))
        facts = self._facts(view, lead, width) if view.ended is None else []
        if self.names_target:
            facts.append(self._line((f"{lead}{view.ref}", "dim")))
        blank = [Text()] if len(head) + len(steps) + len(facts) + 1 < height else []
        yield from (*head, *blank, *steps, *blank, *facts)

    def _steps(self, view: ImportView, lead: str, width: int) -> Iterable[Text]:
        """Draw the steps that are done, the current one with its track, and those that usually follow."""
        (mark, style), done, ahead = self._mark(view), view.done_steps, view.steps_ahead
        longest = max(len(name) for name in (view.status, *ahead, *(name for name, _ in done)))
        for name, spent in done:
            yield self._line(lead, (self.glyphs.done, "green"), f" {name:{longest}}", f"  {spent:>{_TIME}}")
        current = self._line(lead, (mark, style), (f" {view.status:{longest}}", "bold"))
        room = min(_TRACK, width - current.cell_len - 2)
        if view.ended is not None:
            current.append(f"  {view.last_step:>{_TIME}}" if view.last_step else "")
            current.rstrip()
        elif room > _PULSE:
            current.append("  ").append_text(self._track(room, style))
        yield current
        yield from (self._line((f"{lead}{self.glyphs.ahead} {name}", "dim")) for name in ahead)

    def _track(self, width: int, style: str) -> Text:
        """Draw a pulse that moves along the track, because LaunchDarkly gives no percentage."""
        start = self.turn % (width + _PULSE) - _PULSE
        before, after = max(0, start), max(0, width - start - _PULSE)
        rail = self.glyphs.rail
        return Text.assemble(
            (rail * before, "dim"),
            (self.glyphs.moving * (width - before - after), style),
            (rail * after, "dim"),
        )

    def _facts(self, view: ImportView, lead: str, width: int) -> list[Text]:
        elapsed = f"{running_time(view.progress.elapsed)} elapsed"
        facts = (view.goal, elapsed, polls(view.progress), view.next_request)
        return _fold(facts, f" {self.glyphs.dot} ", lead, width)

    def _table(self, width: int, height: int) -> Iterable[RenderableType]:
        """Draw the number of imports and what they share, then those that need attention first."""
        views = sorted(self.views, key=lambda view: view.attention)
        shared = count_shared_keys(view.ref for view in views)
        head = [] if all(view.ended for view in views) else self._head(views, shared, width, height)
        head = head[: height - 1]
        yield from head
        height -= len(head)
        shown = len(views) if len(views) <= height else max(0, height - 1)
        rows = views[:shown]
        if width < _NARROW:
            yield from (self._narrow_row(view, shared) for view in rows)
        else:
            yield self._grid(rows, shared, wide=width >= _WIDE, has_shared_trouble=_share_trouble(views))
        if shown < len(views):
            yield self._line((f"and {len(views) - shown} more: {_tally(views[shown:])}", "dim"))

    def _head(self, views: Sequence[ImportView], shared: int, width: int, height: int) -> list[Text]:
        """Draw a bar, the shared keys, and the trouble of more than one import."""
        ends = [view.ended for view in views if view.ended is not None]
        successes = [end.outcome for end in ends if end.outcome in SUCCESSES]
        elapsed = running_time(max(view.progress.elapsed for view in views))
        title = self._line((f" {tally_of_successes(successes, len(views))}  {elapsed} ", "bold reverse cyan"))
        filled = _BAR * len(successes) // len(views)
        if title.cell_len + 2 + _BAR <= width:
            bar = Text.assemble(
                (self.glyphs.moving * filled, "green"), (self.glyphs.rail * (_BAR - filled), "dim")
            )
            title = bar.append("  ").append_text(title)
        lines = [title]
        if shared:
            lines.append(self._line((joined(views[0].ref.keys[:shared]), "dim")))
        if _share_trouble(views):
            troubles = [view.trouble for view in views if view.trouble is not None]
            number = "all" if len(troubles) == len(views) else f"{len(troubles)} of"
            trouble = f"{number} {len(views)} imports: {summarize(troubles)}"
            found = _wrap(Text(f"! {trouble}", "yellow"), "", width)
            lines += found if len(found) < height / 4 else [self._line((f"! {trouble}", "yellow"))]
        return lines

    def _grid(
        self, rows: Sequence[ImportView], shared: int, *, wide: bool, has_shared_trouble: bool
    ) -> Table:
        table = Table.grid(padding=(0, 2))
        for justify in ("left", "left", "right"):
            table.add_column(justify=justify, no_wrap=True)
        for view in rows:
            mark, style = self._mark(view)
            steps = self._line((mark, style))
            if wide:
                done, ahead = len(view.done_steps), len(view.steps_ahead)
                steps = self._line(
                    (self.glyphs.done * done, "green"), (mark, style), (self.glyphs.ahead * ahead, "dim")
                )
            cells = [steps, self._line((view.name, style)), self._line((view.spent, style))]
            cells.append(self._line((joined(view.ref.keys[shared:]), "dim")))
            if wide:
                cells.append(self._note(view, has_shared_trouble=has_shared_trouble))
            table.add_row(*cells)
        return table

    def _note(self, view: ImportView, *, has_shared_trouble: bool) -> Text:
        """Return what needs attention, or else the next poll; after the end, the failed polls."""
        if view.ended is not None:
            return self._line((failures(view.progress), "dim"))
        if view.trouble is not None:
            return self._line(("no response" if has_shared_trouble else view.trouble, "yellow"))
        if view.attention is Attention.NEEDS_APPROVAL:
            return self._line(("must be approved and applied", "yellow"))
        return self._line((view.next_request, "dim"))

    def _narrow_row(self, view: ImportView, shared: int) -> Text:
        mark, style = self._mark(view)
        return self._line(
            (f"{mark} {view.name} {view.spent}", style), (f" {joined(view.ref.keys[shared:])}", "dim")
        )

    def _mark(self, view: ImportView) -> tuple[str, str]:
        """Return the character for the state of an import, and its style."""
        spinner = self.glyphs.spinner[self.turn % len(self.glyphs.spinner)]
        match view.attention:
            case Attention.FAILED:
                return self.glyphs.failed, "red"
            case Attention.NO_RESPONSE | Attention.NEEDS_APPROVAL:
                return spinner, "yellow"
            case Attention.MOVING:
                return spinner, "cyan"
            case Attention.INCONCLUSIVE:
                return self.glyphs.inconclusive, "yellow"
            case Attention.DONE:
                return self.glyphs.done, "green"

    def _line(self, *parts: str | Text | tuple[str, str]) -> Text:
        """Return text that is cut where the line ends."""
        return Text.assemble(*parts, no_wrap=True, overflow=self.glyphs.overflow)


def _share_trouble(views: Iterable[ImportView]) -> bool:
    """Return whether more than one import has trouble; that of a single one is in its row."""
    return sum(view.trouble is not None for view in views) > 1


def _wrap(text: Text, lead: str, width: int) -> list[Text]:
    """Break text between words, and indent every line."""
    lines = text.wrap(Console(width=width), max(1, width - len(lead)))
    return [Text.assemble(lead, line) for line in lines]


def _fold(facts: Sequence[str], joint: str, lead: str, width: int) -> list[Text]:
    """Join facts, and break lines between facts only."""
    lines = [facts[0]]
    for fact in facts[1:]:
        if len(lead) + len(lines[-1]) + len(joint) + len(fact) <= width:
            lines[-1] += f"{joint}{fact}"
        else:
            lines.append(fact)
    return [piece for line in lines for piece in _wrap(Text(line, "dim"), lead, width)]


def _tally(views: Iterable[ImportView]) -> str:
    return tally(view.name for view in views)
