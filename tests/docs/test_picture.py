"""The picture of the live view in the README shows what the program draws now."""

from __future__ import annotations

import html
import re
from dataclasses import replace

from rich.text import Text

from tests.support.driving import EPOCH
from tests.support.paths import README
from tests.support.picture import COMMAND, PICTURE, draw
from tests.support.readme import part, with_placeholders
from tests.unit.reports.live.test_view_state import progress
from watcher.core.events import Ended
from watcher.core.model import ImportRef, Instant
from watcher.core.statuses import Outcome
from watcher.reports.live.frame import UNICODE
from watcher.reports.live.steps import StepsFrame
from watcher.reports.live.view_state import ImportView
from watcher.reports.stdout import text_line

REF = ImportRef("demo", "production", "big-spenders", "d7a0caae-c6e5-4788-9b13-a77889173759")
WAY = (("preparing", 2.6), ("pending_approval", 3.3), ("ready", 0.95), ("in_progress", 1.4))


def words(svg: str) -> str:
    """Return the text of an SVG without white space and without values that differ from run to run."""
    lines: dict[str, str] = {}
    for height, text in re.findall(
        r'<text class="live-view-r\d+" x="[\d.]+" y="([\d.]+)"[^>]*>(.*?)</text>', svg
    ):
        lines[height] = lines.get(height, "") + html.unescape(text).replace("\xa0", " ")
    text = re.sub(f"[{UNICODE.spinner}]", "SPINNER", "\n".join(lines.values()))
    text = re.sub(f"[{UNICODE.rail}{UNICODE.moving}]+", UNICODE.rail, text)
    return re.sub(r"\s+", "", with_placeholders(text))


def test_the_picture_is_current() -> None:
    """The recorded demo has the words, characters and order of the current code."""
    during = ImportView(
        REF,
        "until complete, for at most 1h",
        progress(*WAY, polls=9),
        next_poll=1.0,
        trouble="rate limited (429): the API asks to wait 0.8s more",
    )
    after = replace(progress(*WAY, ("complete", 0.0), polls=12), throttled=1, errors=1)
    end = Ended(REF, Instant(11.0, EPOCH), after, Outcome.COMPLETE, "complete after 11s")
    over = ImportView(REF, during.goal, after, ended=end)
    first = Text(part("demo").splitlines()[0])
    last = StepsFrame([over], UNICODE, is_last=True, result_follows=True)
    drawn = draw([first, StepsFrame([during], UNICODE)], [last, Text(text_line(end))])
    assert words(PICTURE.read_text("utf-8")) == words(drawn)


def test_the_picture_stands_alone() -> None:
    """The picture loads nothing from elsewhere, and shows the command of the README."""
    svg = PICTURE.read_text("utf-8")
    assert not re.search(r"url\((?!#)|@import|@font-face|href=", svg)
    assert COMMAND.replace(" ", "&#160;") in svg
    assert COMMAND in README.read_text("utf-8")
