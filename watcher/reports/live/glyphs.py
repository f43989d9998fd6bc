"""The characters of the live picture, for terminals of two kinds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters of a picture.

    Attributes:
        spinner: What the current step shows in turn.
        passed: Marks a step that is over, and a success.
        ahead: Marks a step to come.
        failed: Marks an end that is no success.
        halted: Marks an end that says nothing of the import, such as a signal.
        attention: Begins a notice.
        rail: Joins two steps.
        dot: Parts two facts.
        cut: Stands for what there is no room for.
    """

    spinner: str
    passed: str
    ahead: str
    failed: str
    halted: str
    attention: str
    rail: str
    dot: str
    cut: str


UNICODE = Glyphs(
    spinner="⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏",
    passed="✓",
    ahead="○",
    failed="✗",
    halted="■",
    attention="!",
    rail="─",
    dot="·",
    cut="…",
)
ASCII = Glyphs(
    spinner="|/-\\",
    passed="+",
    ahead=".",
    failed="x",
    halted="=",
    attention="!",
    rail="-",
    dot="-",
    cut="~",
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A character and how it is drawn, as rich names styles."""

    glyph: str
    style: str
