"""One frame of the live view: a step track for one import, a table for several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, OverflowMethod, RenderableType
from rich.table import Table
from rich.text import Text

from watcher.core.messages.snapshots import polls, waiting_for
from watcher.core.text import printable, tally
from watcher.reports.live.view_state import Attention, ImportView, running_time

_WIDE = 60
"""Columns from which a row of the table shows the steps and a note."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters that a terminal can show.

    Attributes:
        spinner: The characters of the current step, one per frame.
        rail: Joins two steps; ``moving`` is its part that moves.
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
        turn: The number of the frame, for spinners and the rail.
    """

    views: Sequence[ImportView]
    glyphs: Glyphs
    turn: int = 0

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> Iterable[RenderableType]:
        """Return the content for a terminal of a certain size."""
        width, height = options.max_width, options.size.height
        return self._one(self.views[0], width) if len(self.views) == 1 else self._table(width, height - 1)

    def _one(self, view: ImportView, width: int) -> Iterable[RenderableType]:
        mark, style = self._mark(view)
        count = polls(view.progress)
        lines = [Text.assemble((view.name, f"bold {style}"))]
        if view.ended is None:
            lines[0].append(f" {view.spent}", style).append(f"  {waiting_for(view.progress)}")
        else:
            lines[0].append(f" after {view.spent}, {count}")
        if view.trouble is not None:
            lines.append(Text(f"! {view.trouble}", "yellow"))
        lines.append(self._track(view, width - 2))
        if view.ended is None:
            elapsed = f"{running_time(view.progress.elapsed)} elapsed"
            facts = [Text(fact, "dim") for fact in (view.goal, count, elapsed, view.next_request)]
            lines.append(_fold(facts, [Text(f" {self.glyphs.dot} ", "dim")] * len(facts), width - 2))
        lines.append(self._line((str(view.ref), "dim")))
        grid = Table.grid(padding=(0, 1))
        grid.add_row(Text(mark, style), Group(*lines))
        yield grid

    def _track(self, view: ImportView, width: int) -> Text:
        """Draw the steps that are done, the current one, and those that usually follow."""
        mark, style = self._mark(view)
        rail, done, ahead = self.glyphs.rail, view.done_steps, view.steps_ahead
        steps = [
            Text.assemble((self.glyphs.done, "green"), f" {name} ", (spent, "dim")) for name, spent in done
        ]
        steps.append(Text.assemble((mark, style), (f" {view.status}", "bold"), (view.last_step, "dim")))
        steps += [Text(f"{self.glyphs.ahead} {name}", "dim") for name in ahead]
        joint = Text(f" {rail} ", "dim")
        moving = joint
        if view.ended is None:
            before = self.turn % 3
            moving = Text.assemble(
                " ", rail * before, (self.glyphs.moving, style), rail * (2 - before), " ", style="dim"
            )
        return _fold(steps, [Text(f" {rail} ", "green")] * len(done) + [moving] + [joint] * len(ahead), width)

    def _table(self, width: int, height: int) -> Iterable[RenderableType]:
        views = sorted(self.views, key=lambda view: view.attention)
        if any(view.ended is None for view in views):  # else the closing line counts them
            elapsed = running_time(max(view.progress.elapsed for view in views))
            yield self._line(
                (f"{len(views)} imports", "bold"), f": {_tally(views)} {self.glyphs.dot} {elapsed}"
            )
            height -= 1
        shown = len(views) if len(views) <= height else max(0, height - 1)
        shared = _count_shared_keys(views)
        table = Table.grid(padding=(0, 2))
        for justify in ("left", "left", "right"):
            table.add_column(justify=justify, no_wrap=True)
        for view in views[:shown]:
            table.add_row(*self._row(view, shared, wide=width >= _WIDE))
        yield table
        if shown < len(views):
            yield self._line((f"and {len(views) - shown} more: {_tally(views[shown:])}", "dim"))

    def _row(self, view: ImportView, shared: int, *, wide: bool) -> Iterable[Text]:
        mark, style = self._mark(view)
        done, ahead = self.glyphs.done * len(view.done_steps), self.glyphs.ahead * len(view.steps_ahead)
        yield (
            self._line((done, "green"), (mark, style), (ahead, "dim")) if wide else self._line((mark, style))
        )
        yield self._line((view.name, style))
        yield self._line((view.spent, style))
        yield self._line("/".join(printable(key) for key in view.ref.keys[shared:]))
        if wide and view.ended is None:
            needs_approval = view.attention is Attention.NEEDS_APPROVAL
            fact = "waiting for approval" if needs_approval else view.next_request
            yield self._line((view.trouble, "yellow") if view.trouble is not None else (fact, "dim"))

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

    def _line(self, *parts: str | tuple[str, str]) -> Text:
        """Return text that is cut where the line ends."""
        return Text.assemble(*parts, no_wrap=True, overflow=self.glyphs.overflow)


def _fold(pieces: Sequence[Text], joints: Sequence[Text], width: int) -> Text:
    """Join pieces, and break lines between pieces only."""
    lines = [pieces[0]]
    for joint, piece in zip(joints, pieces[1:], strict=False):
        if lines[-1].cell_len + joint.cell_len + piece.cell_len <= width:
            lines[-1].append_text(joint).append_text(piece)
        else:
            lines.append(piece)
    return Text("\n").join(lines)


def _tally(views: Iterable[ImportView]) -> str:
    return tally(view.name for view in views)


def _count_shared_keys(views: Iterable[ImportView]) -> int:
    """Count the leading keys that all targets share; the import ID always stays."""
    columns = zip(*(view.ref.keys[:-1] for view in views), strict=True)
    return next((index for index, keys in enumerate(columns) if len(set(keys)) > 1), 3)
