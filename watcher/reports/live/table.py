"""The live view of several imports: how many are complete, and a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from watcher.core.messages.progress import failures, tally_of_successes
from watcher.core.statuses import SUCCESSES
from watcher.core.text import tally
from watcher.reports.grouping import summarize
from watcher.reports.live.frame import Frame, wrap
from watcher.reports.live.view_state import Attention, ImportView, running_time
from watcher.reports.names import count_shared_keys, distinctive_keys, joined

_WIDE = 60
"""Columns from which a row of the table has steps and a note."""

_NARROW = 40
"""Columns below which a row is one line of text that is cut, because rich would drop whole columns."""

_BAR = 24
_GAP = 2

_NOTE = 17
"""Columns of a note that names do not take."""


@dataclass(frozen=True, slots=True)
class TableFrame(Frame):
    """The number of imports and what they share, then those that need attention first."""

    def content(self, width: int, height: int) -> Iterable[RenderableType]:
        """Draw the head and as many rows as fit; the last frame has only rows that nothing else reports."""
        views = sorted(self.views, key=lambda view: view.attention)
        if self.is_last:
            views = [] if self.result_follows else [view for view in views if not view.is_explained]
        if not views:
            return
        head = self._head(views, width, height)
        if self.is_last:
            head = self.fold(self._shared_keys(), "", width)
        head = head[: height - 1]
        yield from head
        height -= len(head)
        shown = len(views) if len(views) <= height else max(0, height - 1)
        rows = views[:shown]
        shown_keys = self._shown_keys()
        if width < _NARROW:
            yield from (self._narrow_row(view, shown_keys) for view in rows)
        elif rows:
            yield self._grid(rows, shown_keys, width=width, has_shared_trouble=_share_trouble(views))
        if shown < len(views):
            yield self.line((f"and {len(views) - shown} more: {_tally(views[shown:])}", "dim"))

    def _shown_keys(self) -> slice:
        """Return the keys that name an import: only what tells it apart, unless the frame stays."""
        refs = [view.ref for view in self.views]
        return slice(count_shared_keys(refs), None) if self.is_last else distinctive_keys(refs)

    def _shared_keys(self) -> list[str]:
        keys = self.views[0].ref.keys[: count_shared_keys(view.ref for view in self.views)]
        return [joined(keys)] if keys else []

    def _head(self, views: Sequence[ImportView], width: int, height: int) -> list[Text]:
        """Draw a bar, what all imports share, and the trouble of more than one import."""
        goal = views[0].goal.partition("; ")[0]
        lines = [self._title(views, width), *self.fold([*self._shared_keys(), goal], "", width)]
        if _share_trouble(views):
            troubles = [view.trouble for view in views if view.trouble is not None]
            number = "all" if len(troubles) == len(views) else f"{len(troubles)} of"
            trouble = f"! {number} {len(views)} imports: {summarize(troubles)}"
            found = wrap(Text(trouble, "yellow"), "", width)
            lines += found if len(found) < height / 4 else [self.line((trouble, "yellow"))]
        return lines

    def _title(self, views: Sequence[ImportView], width: int) -> Text:
        """Draw the number of successes, and a bar of the imports that have ended."""
        ends = [view.ended for view in views if view.ended is not None]
        successes = [end.outcome for end in ends if end.outcome in SUCCESSES]
        elapsed = running_time(max(view.progress.elapsed for view in views))
        count = tally_of_successes(successes, len(views))
        title = self.line((f" {count}  {elapsed} ", "bold reverse cyan"))
        if title.cell_len + 2 + _BAR <= width:
            good = _BAR * len(successes) // len(views)
            bad = _BAR * len(ends) // len(views) - good
            moving, rail = self.glyphs.moving, self.glyphs.rail
            title.append("  ")
            title.append(moving * good, "green").append(moving * bad, "red")
            title.append(rail * (_BAR - good - bad), "dim")
        return title

    def _grid(
        self, rows: Sequence[ImportView], shown_keys: slice, *, width: int, has_shared_trouble: bool
    ) -> Table:
        """Draw a table in which first the notes and then the names are cut, but nothing else."""
        cells = [
            (self._steps(view, width), *self._status(view), self.line(*_name(view, shown_keys)))
            for view in rows
        ]
        notes = [self._note(view, has_shared_trouble=has_shared_trouble) for view in rows]
        longest_note = max(note.cell_len for note in notes) if width >= _WIDE else 0
        fixed = [max(text.cell_len for text in column) for column in list(zip(*cells, strict=True))[:3]]
        if longest_note:
            fixed.append(min(longest_note, _NOTE))
        table = Table.grid(padding=(0, _GAP))
        for justify in ("left", "left", "right"):
            table.add_column(justify=justify, no_wrap=True)
        table.add_column(no_wrap=True, max_width=max(1, width - sum(part + _GAP for part in fixed)))
        for row, note in zip(cells, notes, strict=True):
            table.add_row(*row, *([note] if longest_note else []))
        return table

    def _steps(self, view: ImportView, width: int) -> Text:
        """Draw a character for each step, or in a small window for the current one only."""
        if width < _WIDE:
            return self.line(self.mark(view))
        done, ahead = self.glyphs.done * len(view.done_steps), self.glyphs.ahead * len(view.steps_ahead)
        return self.line((done, "green"), self.mark(view), (ahead, "dim"))

    def _status(self, view: ImportView) -> tuple[Text, Text]:
        _, style = self.mark(view)
        return self.line((view.name, style)), self.line((view.spent, style))

    def _note(self, view: ImportView, *, has_shared_trouble: bool) -> Text:
        """Return what needs attention; after the end, the failed polls."""
        if view.ended is not None:
            return self.line((failures(view.progress), "dim"))
        if view.trouble is not None:
            return self.line(("no response" if has_shared_trouble else view.trouble, "yellow"))
        needs_approval = view.attention is Attention.NEEDS_APPROVAL
        return self.line(("approve and apply" if needs_approval else "", "yellow"))

    def _narrow_row(self, view: ImportView, shown_keys: slice) -> Text:
        mark, style = self.mark(view)
        return self.line((f"{mark} {view.name} {view.spent}", style), " ", *_name(view, shown_keys))


def _name(view: ImportView, shown_keys: slice) -> tuple[str, tuple[str, str]]:
    """Return the keys that name an import, with its ID dimmed."""
    keys = view.ref.keys[shown_keys]
    if shown_keys.stop is not None:
        return joined(keys), ("", "dim")
    others = "".join(f"{joined([key])}/" for key in keys[:-1])
    return others, (joined(keys[-1:]), "dim")


def _share_trouble(views: Iterable[ImportView]) -> bool:
    """Return whether more than one import has trouble; that of a single one is in its row."""
    return sum(view.trouble is not None for view in views) > 1


def _tally(views: Iterable[ImportView]) -> str:
    return tally(view.name for view in views)
