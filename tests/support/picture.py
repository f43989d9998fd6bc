"""Draw the README's picture of the live view from a real run: ``python -m tests.support.picture``."""

from __future__ import annotations

import re
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from tests.support.paths import EXAMPLES
from tests.support.terminal import opened, terminal_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

PICTURE = EXAMPLES / "live-view.svg"
COLUMNS = 98
COMMAND = "python3 -m watcher --demo"

_FRAME = "\x1b[?25l"
_NOT_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Zhl]|\r")
_FROM_THE_WEB = re.compile(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", re.DOTALL)


def record() -> tuple[list[Text], list[Text]]:
    """Run the demo.

    Returns:
        The terminal during a rate limit, and the text that stays at the end.
    """
    with opened(COLUMNS, 24) as terminal:
        terminal.start("--demo", env=terminal_environment())
        terminal.wait_for(lambda text: "rate limited (429): the API asks to wait 0." in text)
        before, *_, moment = terminal.raw.decode().split(_FRAME)
        terminal.finish()
        *_, end = terminal.raw.decode().split(_FRAME)
        return [*_lines(before), *_lines(moment)], _lines(end)


def draw(moment: Sequence[RenderableType], end: Sequence[RenderableType]) -> str:
    """Draw a picture of a terminal.

    Args:
        moment: The content of the terminal during the run.
        end: The text that stays at the end.

    Returns:
        An SVG that loads nothing from elsewhere.
    """
    console = Console(
        file=StringIO(), record=True, width=COLUMNS, force_terminal=True, color_system="standard"
    )
    prompt, caption, blank = Text(f"$ {COMMAND}", "bold"), Text("# and at the end:", "dim"), Text()
    for line in (prompt, *moment, blank, caption, *end, blank):
        console.print(line, soft_wrap=True)
    return _FROM_THE_WEB.sub("", console.export_svg(title="watcher", unique_id="live-view"))


def _lines(frame: str) -> list[Text]:
    return [Text.from_ansi(line) for line in _NOT_COLOUR.sub("", frame).splitlines()]


if __name__ == "__main__":
    PICTURE.write_text(draw(*record()), "utf-8")
