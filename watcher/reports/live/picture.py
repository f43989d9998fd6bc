"""The live picture: every import, drawn into a window of any size; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from watcher.core.text import printable
from watcher.reports.live.glyphs import Mark
from watcher.reports.live.rail import draw_marks, draw_rail, stations
from watcher.reports.live.views import Urgency, running

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from watcher.reports.live.glyphs import Glyphs
    from watcher.reports.live.views import View

_SHORTEST_TARGET = 24
"""Cells of a target that no note may take away."""

_MARKS_FROM = 60
"""Cells of a window from which a line of many has room for the marks of its steps."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """What there is to draw on.

    Attributes:
        width: Cells of a line.
        height: Lines of the window; one of them is left to the cursor.
        glyphs: The characters that it can show.
        turn: Counts the frames, which moves what moves.
    """

    width: int
    height: int
    glyphs: Glyphs
    turn: int = 0


def picture(views: Sequence[View], canvas: Canvas) -> list[Text]:
    """Draws all imports.

    Each gets its rail while all of them fit. A window that is too low for that gets a line for each, and one
    that is too low even for these a summary: first the imports that need somebody, then those that move.

    Args:
        views: The imports in the order in which they were named.
        canvas: What there is to draw on.

    Returns:
        The lines; fewer than the window has, and none wider than it.
    """
    room = canvas.height - 1
    if len(views) == 1:
        lines = _draw_block(views[0], canvas, room)
    else:
        # A block has two lines at least: what cannot fit need not be drawn to know.
        blocks = [_draw_block(view, canvas, room) for view in views] if 2 * len(views) <= room else []
        lines = [line for block in blocks for line in block]
        if not lines or len(lines) > room:
            lines = _draw_summary(views, canvas, room)
    for line in lines:
        _cut(line, canvas.width, canvas.glyphs)
    return lines


def _draw_block(view: View, canvas: Canvas, room: int) -> list[Text]:
    """Draws one import: what it is, its rail, what is waited for, and what is wrong.

    Too low a window has no line for the first of these, then for the words, then for what is wrong.
    """
    width, glyphs = canvas.width, canvas.glyphs
    over = view.ended is not None
    rail = draw_rail(stations(view.progress, over=over), _mark(view, canvas), width, glyphs)
    head = Text.assemble((str(view.ref), "bold"))
    fits = head.cell_len + 2 + cell_len(view.ending) <= width
    if fits:
        head.append(f"  {view.ending}", "" if over else "dim")
    words, wrong = _fit(view.waiting, view.counters, canvas), view.notice
    if over:
        words, wrong = "" if fits else view.ending, None
    notices = _fold(f"{glyphs.attention} {wrong}", width, room - 1) if wrong is not None else []
    told = _fold(words, width, room - 1 - len(notices)) if words else []
    lines = [head, rail, *map(Text, told), *(Text(line, "yellow") for line in notices)]
    return lines[max(0, len(lines) - room) :]


def _draw_summary(views: Sequence[View], canvas: Canvas, room: int) -> list[Text]:
    ordered = sorted(views, key=lambda view: view.urgency)
    lines = []
    if any(view.ended is None for view in views):  # else the closing words count them
        elapsed = running(max(view.progress.elapsed for view in views))
        lines.append(Text(f"{len(views)} imports: {_tally(ordered)} {canvas.glyphs.dot} {elapsed}", "bold"))
    left = room - len(lines)
    shown = len(ordered) if len(ordered) <= left else max(0, left - 1)
    shared = _shared_keys(views)
    lines += [_draw_line(view, shared, canvas) for view in ordered[:shown]]
    if shown < len(ordered):
        lines.append(Text(f"and {len(ordered) - shown} more: {_tally(ordered[shown:])}", "dim"))
    return lines[: max(0, room)]


def _draw_line(view: View, shared: int, canvas: Canvas) -> Text:
    """Draws one import of many, without the leading keys that all of them share."""
    glyphs, mark = canvas.glyphs, _mark(view, canvas)
    line = Text()
    if canvas.width >= _MARKS_FROM:
        line.append_text(draw_marks(stations(view.progress, over=view.ended is not None), mark, glyphs))
        line.pad_right(max(0, 5 - line.cell_len))
    else:
        line.append(mark.glyph, mark.style)
    line.append(f" {view.name:<16} {view.spent:>6}", mark.style)
    target = Text("/".join(printable(key) for key in view.keys[shared:]), "bold")
    room = canvas.width - line.cell_len - 2
    left = room - cell_len(view.note) - 2
    has_note = view.notice is not None or left >= min(_SHORTEST_TARGET, target.cell_len)
    _cut(target, max(left, _SHORTEST_TARGET) if has_note else room, glyphs)
    line.append("  ").append_text(target)
    if has_note and view.note:
        line.append(f"  {view.note}", "yellow" if view.notice else "dim")
    return line


def _mark(view: View, canvas: Canvas) -> Mark:
    glyphs = canvas.glyphs
    spinner = glyphs.spinner[canvas.turn % len(glyphs.spinner)]
    match view.urgency:
        case Urgency.FAILED:
            return Mark(glyphs.failed, "bold red")
        case Urgency.KEPT_FROM_NEWS | Urgency.WAITING_FOR_SOMEBODY:
            return Mark(spinner, "yellow")
        case Urgency.MOVING:
            return Mark(spinner, "cyan")
        case Urgency.HALTED:
            return Mark(glyphs.halted, "yellow")
        case Urgency.DONE:
            return Mark(glyphs.passed, "green")


def _fit(words: str, counters: Sequence[str], canvas: Canvas) -> str:
    """Adds as many of the last counters to the words as a line has room for."""
    for first in range(len(counters)):
        joined = f" {canvas.glyphs.dot} ".join((words, *counters[first:]))
        if cell_len(joined) <= canvas.width:
            return joined
    return words


def _fold(text: str, width: int, room: int) -> list[str]:
    """Folds text between its words; the last line there is room for takes the rest, to be cut."""
    first, *words = text.split(" ")
    folded = [first]
    for word in words:
        joined = f"{folded[-1]} {word}"
        if len(folded) == room or cell_len(joined) <= width:
            folded[-1] = joined
        else:
            folded.append(word)
    return folded[: max(0, room)]


def _tally(views: Iterable[View]) -> str:
    counts: dict[str, int] = {}
    for view in views:
        counts[view.name] = counts.get(view.name, 0) + 1
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _cut(line: Text, width: int, glyphs: Glyphs) -> None:
    if line.cell_len > width:
        line.truncate(max(0, width - 1))
        line.append(glyphs.cut)


def _shared_keys(views: Sequence[View]) -> int:
    """Counts the leading keys that all targets have in common, and that tell none from another."""
    first = views[0].keys
    shared = len(first) - 1
    for view in views:
        while view.keys[:shared] != first[:shared]:
            shared -= 1
    return shared
