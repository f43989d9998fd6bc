"""The live view of one import: its steps, with the current one and its duration as the prominent element."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.text import Text

from watcher.core.messages.progress import failures, polls, requests, waiting_for
from watcher.reports.live.frame import Frame, wrap
from watcher.reports.live.view_state import ImportView, running_time

_TRACK = 24
_PULSE = 5

_TIME = 6
"""Width of a time, such as ``59m59s``."""

_LEAD = "   "
"""The indentation of lines without a mark: as wide as a mark, a blank and the edge of the block."""


@dataclass(frozen=True, slots=True)
class StepsFrame(Frame):
    """The steps of one import, and facts about its wait."""

    def content(self, width: int, height: int) -> Iterable[Text]:
        """Draw the steps, the facts and the target, with empty lines and completed steps if they fit."""
        for view in self.views:
            has_report_below = self.is_last and (self.result_follows or view.is_explained)
            if has_report_below:
                yield from self._rest(view, width)
                continue
            done, current, facts = self._done(view), self._current(view, width), self._facts(view, width)
            ahead = self._ahead(view) if view.ended is None else []
            spare = height - sum(map(len, (done, current, ahead, facts)))
            yield from done[max(0, -spare) :]
            yield from (*current, *ahead)
            yield from [Text()] if spare > 0 and view.ended is None else []
            yield from facts

    def _rest(self, view: ImportView, width: int) -> Iterable[Text]:
        """Draw what a report below does not say: the steps so far, and how many polls failed."""
        if view.progress.status is None:
            return
        yield from self._done(view)
        if not view.is_final:
            yield self._row(view, self.mark(view), view.status, view.last_step)
            yield from self._ahead(view)
        failed = failures(view.progress)
        yield from wrap(Text(failed, "dim"), _LEAD, width) if failed else []

    def _done(self, view: ImportView) -> list[Text]:
        mark = (self.glyphs.done, "green")
        return [self._row(view, mark, name, spent) for name, spent in view.done_steps]

    def _current(self, view: ImportView, width: int) -> list[Text]:
        """Draw the status and its duration as a block, and what must happen next; or the outcome."""
        mark, style = self.mark(view)
        label = f" {view.name:{self._longest(view)}}  {view.spent:>{_TIME}} "
        if len(label) + 2 > width:
            label = f" {view.name}  {view.spent} "
        block = self.line((mark, style), " ", (label, f"bold reverse {style}"))
        if view.ended is not None:
            status = [] if view.is_final else [self._row(view, (mark, style), view.status, view.last_step)]
            counts = requests(view.progress)
            if block.cell_len + 2 + len(counts) <= width:
                return [*status, block.append(f"  {counts}")]
            return [*status, block, *wrap(Text(counts), _LEAD, width)]
        room = min(_TRACK, width - block.cell_len - 2)
        if room > _PULSE:
            block.append("  ").append_text(self._track(room, style))
        lines = [block, *wrap(Text(waiting_for(view.progress)), _LEAD, width)]
        if view.trouble is not None:
            lines += wrap(Text(f"! {view.trouble}", "yellow"), _LEAD, width)
        return lines

    def _ahead(self, view: ImportView) -> list[Text]:
        return [self.line((f"{self.glyphs.ahead}  {name}", "dim")) for name in view.steps_ahead]

    def _facts(self, view: ImportView, width: int) -> list[Text]:
        """Draw facts about the wait, and the target, which is cut unless the frame stays."""
        if view.ended is not None:
            return wrap(Text(str(view.ref), "dim"), _LEAD, width)
        target = self.line((f"{_LEAD}{view.ref}", "dim"))
        elapsed = f"{running_time(view.progress.elapsed)} elapsed"
        facts = (view.goal, elapsed, polls(view.progress), view.next_request)
        return [*self.fold(facts, _LEAD, width), target]

    def _row(self, view: ImportView, mark: tuple[str, str], name: str, spent: str) -> Text:
        row = self.line(mark, f"  {name:{self._longest(view)}}  {spent:>{_TIME}}")
        row.rstrip()
        return row

    def _longest(self, view: ImportView) -> int:
        return max(len(name) for name in (view.name, view.status, *dict(view.done_steps), *view.steps_ahead))

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
