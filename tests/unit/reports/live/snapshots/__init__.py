"""Scenes of the live view, and their snapshots.

``python -m tests.unit.reports.live.snapshots`` writes the snapshots anew.
"""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

from rich.console import Console

from tests.support.driving import REF
from tests.unit.reports.live.test_view_state import GOAL, ended, progress
from watcher.core.statuses import Outcome
from watcher.reports.live.frame import ASCII, UNICODE
from watcher.reports.live.steps import StepsFrame
from watcher.reports.live.table import TableFrame
from watcher.reports.live.view_state import ImportView

SNAPSHOTS = Path(__file__).parent
WIDTHS = (40, 60, 80, 200)

LONG = replace(REF, import_id="1234a567-bcd8-9123-4567-abcd1234567f")
WAY = (("preparing", 2.6), ("pending_approval", 63.3), ("ready", 1.95), ("in_progress", 93.0))
OUTAGE = (
    "no usable response for 5s: app.launchdarkly.com responded with HTTP 502 from nginx "
    '(page "502 Bad Gateway")'
)

APPROVAL = ImportView(
    LONG, GOAL, progress(("preparing", 2.6), ("pending_approval", 3.34), polls=5), next_poll=1.25
)


def fleet(number: int) -> list[ImportView]:
    """Return imports of all kinds, the most urgent ones last."""
    kinds = [
        ended(Outcome.COMPLETE, ("preparing", 9.0), ("complete", 0.0)),
        ImportView(REF, GOAL, progress(("preparing", 2.0), ("in_progress", 4.0)), next_poll=3.0),
        ImportView(REF, GOAL, progress(("pending_approval", 70.0)), next_poll=3.0),
        ImportView(REF, GOAL, progress(("ready", 5.0)), trouble="no usable answer for 5s: HTTP 502"),
        ended(Outcome.STOPPED, ("preparing", 3.0), ("stopped", 0.0)),
    ]
    kind = [kinds[index * len(kinds) // number] for index in range(number)]
    return [replace(view, ref=replace(REF, segment=f"segment-{index}")) for index, view in enumerate(kind)]


RUNNING = ImportView(LONG, GOAL, progress(*WAY, polls=15), next_poll=8.25)

SCENES = {
    "approval": [APPROVAL],
    "running": [RUNNING],
    "outage": [replace(RUNNING, trouble=OUTAGE)],
    "complete": [ended(Outcome.COMPLETE, *WAY, ("complete", 0.0), ref=LONG)],
    "reached": [ended(Outcome.REACHED, ("preparing", 12.0), ("ready", 0.0), ref=LONG)],
    "stopped": [ended(Outcome.STOPPED, *WAY, ("stopped", 0.0), ref=LONG)],
    "timeout": [ended(Outcome.TIMEOUT, *WAY, ref=LONG)],
    "interrupted": [ended(Outcome.INTERRUPTED, *WAY, ref=LONG)],
    "several": fleet(5),
    "several-at-the-end": [
        ended(Outcome.COMPLETE, *WAY, ("complete", 0.0), ref=LONG),
        *fleet(9)[:2],
        fleet(9)[8],
    ],
    "several-in-an-outage": [replace(view, trouble=OUTAGE) for view in fleet(8) if view.ended is None],
}


def draw(
    *views: ImportView,
    width: int = 100,
    height: int = 24,
    turn: int = 0,
    ascii_only: bool = False,
    result_follows: bool = False,
) -> list[str]:
    """Draw a frame, the last one if all imports have ended, without colours and trailing blanks."""
    console = Console(file=StringIO(), width=width, height=height, force_terminal=True)
    frame = (TableFrame if len(views) > 1 else StepsFrame)(
        views,
        ASCII if ascii_only else UNICODE,
        turn,
        is_last=all(view.ended for view in views),
        result_follows=result_follows,
    )
    lines = console.render_lines(frame, pad=False)
    assert all(sum(segment.cell_length for segment in line) <= width for line in lines)
    return ["".join(segment.text for segment in line).rstrip() for line in lines]


def render(scene: str) -> str:
    """Return a scene at each width, without UTF-8, and at the end also with a result below."""
    views = SCENES[scene]
    pictures = [(f"{width} columns", draw(*views, width=width, turn=12)) for width in WIDTHS]
    pictures.append(("80 columns, ASCII", draw(*views, width=80, turn=12, ascii_only=True)))
    if all(view.ended for view in views):
        pictures.append(("80 columns, result below", draw(*views, width=80, result_follows=True)))
    return "\n".join("\n".join((f"== {title} ==", *lines, "")) for title, lines in pictures)
