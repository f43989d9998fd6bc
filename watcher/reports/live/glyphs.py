"""The characters of the live view, for UTF-8 and for ASCII terminals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import OverflowMethod


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters that a terminal can show.

    Attributes:
        spinner: The characters of the current step, one per frame.
        done: A completed step, or a success.
        ahead: A step to come.
        failed: An unsuccessful outcome.
        inconclusive: An outcome that says nothing about the import, such as a signal.
        rail: Joins two steps.
        moving: The part of the rail that moves.
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
