"""What all frames of the live view share: characters, colours, and lines that fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, OverflowMethod, RenderableType
from rich.text import Text

from watcher.reports.live.view_state import Attention, ImportView


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters that a terminal can show.

    Attributes:
        spinner: The characters of what is under way, one per frame.
        rail: A bar or track; ``moving`` is its part that is filled or moves.
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
    """A renderable for rich, with the least important lines last.

    Attributes:
        views: The imports in the order in which they were named.
        turn: The number of the frame, for everything that moves.
        is_last: Whether the frame stays on the screen. It leaves out what lines of the log explain.
        result_follows: Whether the result is written below the last frame on the same terminal.
    """

    views: Sequence[ImportView]
    glyphs: Glyphs
    turn: int = 0
    is_last: bool = False
    result_follows: bool = False

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> Iterable[RenderableType]:
        """Return the content for a terminal of a certain size."""
        return self.content(options.max_width, options.size.height - 1)

    def content(self, width: int, height: int) -> Iterable[RenderableType]:
        """Return the content for ``width`` columns and ``height`` lines above the cursor."""
        raise NotImplementedError

    def line(self, *parts: str | Text | tuple[str, str]) -> Text:
        """Return text that is cut where the line ends."""
        return Text.assemble(*parts, no_wrap=True, overflow=self.glyphs.overflow)

    def mark(self, view: ImportView) -> tuple[str, str]:
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

    def fold(self, facts: Sequence[str], lead: str, width: int) -> list[Text]:
        """Join dimmed facts, and break lines between facts if possible."""
        joint = f" {self.glyphs.dot} "
        lines = list(facts[:1])
        for fact in facts[1:]:
            if len(lead) + len(lines[-1]) + len(joint) + len(fact) <= width:
                lines[-1] += f"{joint}{fact}"
            else:
                lines.append(fact)
        return [piece for line in lines for piece in wrap(Text(line, "dim"), lead, width)]


def wrap(text: Text, lead: str, width: int) -> list[Text]:
    """Break text between words, and indent every line."""
    lines = text.wrap(Console(width=width), max(1, width - len(lead)))
    return [Text.assemble(lead, line) for line in lines]
