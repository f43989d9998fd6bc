"""The live picture by plain calls: what it says, and that it fits any window."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.text import Text

from tests.support.driving import EPOCH, REF
from watcher.core import lifecycle
from watcher.core.events import Ended, Progress
from watcher.core.model import Import, ImportRef, Instant, Transition
from watcher.core.statuses import Outcome, Status, parse_status
from watcher.reports.live.glyphs import ASCII, UNICODE, Mark
from watcher.reports.live.picture import Canvas, picture
from watcher.reports.live.rail import draw_rail, stations
from watcher.reports.live.views import View

GOAL = "until complete, for at most 1h"
WIDE = Canvas(100, 24, UNICODE)


def progress(*way: tuple[str, float], polls: int = 3) -> Progress:
    """An import that spent some seconds in each status, and is still in the last one."""
    transitions: list[Transition] = []
    source: Status | None = None
    elapsed = 0.0
    for index, (name, _) in enumerate(way):
        status = parse_status(name)
        in_state = way[index - 1][1] if index else None
        elapsed += in_state or 0.0
        at = Instant(elapsed, EPOCH + elapsed)
        expected = lifecycle.is_expected(source, status)
        transitions.append(Transition(source, status, at, elapsed, in_state, expected))
        source = status
    spent = way[-1][1] if way else None
    last = None if source is None else Import(source)
    return Progress(source, spent, elapsed + (spent or 0.0), polls, 0, 0, last, tuple(transitions))


def ended(outcome: Outcome, message: str, *way: tuple[str, float], ref: ImportRef = REF) -> View:
    """An import whose wait is over."""
    after = progress(*way)
    return View(ref, GOAL, after, ended=Ended(ref, Instant(99.0, EPOCH + 99), after, outcome, message))


def fleet(number: int) -> list[View]:
    """Imports of all kinds, the more urgent ones last."""
    kinds = [
        ended(Outcome.COMPLETE, "complete after 9s", ("preparing", 9.0), ("complete", 0.0)),
        View(REF, GOAL, progress(("preparing", 2.0), ("in_progress", 4.0)), next_poll=3.0),
        View(REF, GOAL, progress(("pending_approval", 70.0)), next_poll=3.0),
        View(REF, GOAL, progress(("ready", 5.0)), notice="no usable answer for 5s: HTTP 502"),
        ended(Outcome.STOPPED, "stopped after 3s. Look at it.", ("preparing", 3.0), ("stopped", 0.0)),
    ]
    views = []
    for index in range(number):
        view = kinds[index * len(kinds) // number]
        ref = replace(REF, segment=f"segment-{index}")
        end = None if view.ended is None else replace(view.ended, ref=ref)
        views.append(replace(view, ref=ref, ended=end))
    return views


def draw(*views: View, canvas: Canvas = WIDE) -> list[str]:
    """The picture without its colours."""
    return [line.plain for line in picture(views, canvas)]


def test_an_import_on_its_way() -> None:
    """The rail has the time of each step, and below it stand the wait, the polls and the next one."""
    way = progress(("preparing", 2.6), ("pending_approval", 3.34), polls=5)
    assert draw(View(REF, GOAL, way, next_poll=1.25)) == [
        "default/production/big-spenders/1234a567  until complete, for at most 1h",
        "✓ preparing 2.6s ─ ⠋ pending_approval 3.3s ─ ○ ready ─ ○ in_progress ─ ○ complete",
        "waiting for an approval in LaunchDarkly · 5 polls · 5.9s elapsed · next poll in 1.2s",
    ]


def test_an_approval_that_nobody_waits_for_is_no_step() -> None:
    """Most imports need no approval, so it is drawn only where it was met."""
    assert [station.name for station in stations(progress(("preparing", 1.0)), over=False)] == [
        "preparing", "ready", "in_progress", "complete",
    ]  # fmt: skip
    met = stations(progress(("pending_approval", 1.0), ("in_progress", 1.0)), over=False)
    assert [station.name for station in met] == ["pending_approval", "in_progress", "complete"]


def test_unusual_statuses_stand_where_they_came() -> None:
    """An unknown status and a step back are steps like others, and what follows is what usually does."""
    way = progress(("preparing", 1.0), ("validating", 2.0))
    assert draw(View(REF, GOAL, way))[1] == (
        "✓ preparing 1s ─ ⠋ validating 2.0s ─ ○ ready ─ ○ in_progress ─ ○ complete"
    )
    back = stations(progress(("ready", 1.0), ("in_progress", 1.0), ("ready", 1.0)), over=False)
    assert [station.name for station in back] == ["ready", "in_progress", "ready", "in_progress", "complete"]


def test_an_import_that_wavers_for_ever_keeps_a_short_rail() -> None:
    """Only the latest steps are drawn."""
    way = progress(*[("ready", 1.0), ("in_progress", 1.0)] * 50)
    assert len(stations(way, over=False)) == 7


def test_before_the_first_answer() -> None:
    """Nothing is known, which is said, and the rail shows what is to come."""
    assert draw(View(REF, GOAL, progress(polls=0)))[1:] == [
        "⠋ not seen yet 0.0s ─ ○ preparing ─ ○ ready ─ ○ in_progress ─ ○ complete",
        "waiting for the first answer · 0 polls · 0.0s elapsed · request under way",
    ]


def test_a_notice_stands_out() -> None:
    """What keeps the import from news has a line of its own."""
    lines = picture([View(REF, GOAL, progress(("ready", 1.0)), notice="rate limited (429)")], WIDE)
    assert (lines[-1].plain, lines[-1].style) == ("! rate limited (429)", "yellow")


@pytest.mark.parametrize(
    ("outcome", "way", "last", "told"),
    [
        (Outcome.COMPLETE, "complete", "✓ complete", "all is well, 3 polls"),
        (Outcome.STOPPED, "stopped", "✗ stopped", "stopped after 12s, 3 polls"),
        (Outcome.TIMEOUT, "in_progress", "✗ in_progress 0ms ─ ○ complete", "timeout after 12s, 3 polls"),
        (
            Outcome.INTERRUPTED,
            "in_progress",
            "■ in_progress 0ms ─ ○ complete",
            "interrupted after 12s, 3 polls",
        ),
    ],
)
def test_the_end_in_two_lines(outcome: Outcome, way: str, last: str, told: str) -> None:
    """A success speaks for itself; the long words of any other end stand elsewhere."""
    view = ended(outcome, "all is well", ("preparing", 12.0), (way, 0.0))
    assert draw(view) == [f"{REF}  {told}", f"✓ preparing 12s ─ {last}"]


@pytest.mark.parametrize(
    ("width", "rail"),
    [
        (90, "✓ preparing 2.6s ─ ✓ pending_approval 3.3s ─ ⠋ ready 1.0s ─ ○ in_progress ─ ○ complete"),
        (80, "✓ preparing 2.6s ✓ approval 3.3s ⠋ ready 1.0s ○ in_progress ○ complete"),
        (40, "✓ 2.6s ✓ 3.3s ⠋ ready 1.0s ○ ○"),
        (29, "✓ ✓ ⠋ ready 1.0s ○ ○"),
        (18, "⠋ ready 1.0s"),
    ],
)
def test_a_rail_loses_detail_before_it_loses_steps(width: int, rail: str) -> None:
    """The narrower the window, the less is said of the steps that are not the current one."""
    way = stations(progress(("preparing", 2.6), ("pending_approval", 3.3), ("ready", 1.0)), over=False)
    assert draw_rail(way, Mark("⠋", "cyan"), width, UNICODE).plain == rail


def test_a_low_window_keeps_the_rail_and_the_notice() -> None:
    """Of one import the target goes first and the rail last."""
    view = View(REF, GOAL, progress(("ready", 1.0)), notice="rate limited (429)")
    lines = draw(view)
    for height, kept in ((5, [0, 1, 2, 3]), (4, [1, 2, 3]), (3, [1, 3]), (2, [1]), (1, [])):
        assert draw(view, canvas=replace(WIDE, height=height)) == [lines[index] for index in kept]


WORDS = {
    None: "waiting for the import to appear",
    "preparing": "LaunchDarkly prepares the import",
    "pending_approval": "waiting for an approval in LaunchDarkly",
    "ready": "waiting for LaunchDarkly to begin",
    "in_progress": "LaunchDarkly imports the keys",
    "validating": "waiting for a status that this version knows",
}
NOTICES = (
    None,
    "rate limited (429): the API asks to wait 9.5s more",
    "no usable answer for 5s: HTTP 502 大きな支出をする人 大きな支出をする人",
    "the import is not there yet: HTTP 404",
)


@pytest.mark.parametrize("notice", NOTICES)
@pytest.mark.parametrize("width", [100, 80, 60, 40, 20])
@pytest.mark.parametrize("status", WORDS)
def test_words_and_notices_stand_in_any_width(status: str | None, width: int, notice: str | None) -> None:
    """What is waited for and what is wrong are told in full; only counters are dropped, and none is cut."""
    way = progress((status, 72.0), polls=12) if status else progress(polls=12)
    view = View(REF, GOAL, way, next_poll=29.0, notice=notice)
    below = draw(view, canvas=Canvas(width, 24, UNICODE))[2:]
    assert not any("…" in line for line in below)
    words, _, wrong = " ".join(below).partition(" ! ")
    assert wrong == (notice or "")
    told, *counters = words.split(" · ")
    assert told == WORDS[status]
    whole = ["12 polls", "1m12s elapsed" if status else "0.0s elapsed", "next poll in 29s"]
    assert counters == whole[len(whole) - len(counters) :]


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (100, ["waiting for an approval in LaunchDarkly · 5 polls · 3.8s elapsed · next poll in 0.7s"]),
        (80, ["waiting for an approval in LaunchDarkly · 3.8s elapsed · next poll in 0.7s"]),
        (60, ["waiting for an approval in LaunchDarkly · next poll in 0.7s"]),
        (40, ["waiting for an approval in LaunchDarkly"]),
        (20, ["waiting for an", "approval in", "LaunchDarkly"]),
    ],
)
def test_counters_give_way_to_the_words(width: int, lines: list[str]) -> None:
    """The narrower the window, the fewer counters: the next poll is the last to go."""
    view = View(REF, GOAL, progress(("pending_approval", 3.8), polls=5), next_poll=0.7)
    assert draw(view, canvas=Canvas(width, 24, UNICODE))[2:] == lines


def test_a_narrow_and_low_window_cuts_the_end_of_the_words() -> None:
    """Where folded words have no room, their last line shows that more is missing."""
    view = View(REF, GOAL, progress(("ready", 1.0)), notice="rate limited (429)")
    canvas = Canvas(20, 6, UNICODE)
    waiting = ["waiting for", "LaunchDarkly to", "begin"]
    rail, notice = "⠋ ready 1.0s ○ ○", "! rate limited (429)"
    assert draw(view, canvas=canvas) == [rail, *waiting, notice]
    cut = ["waiting for", "LaunchDarkly to beg…"]
    assert draw(view, canvas=replace(canvas, height=5)) == [rail, *cut, notice]


@pytest.mark.parametrize("number", [1, 2, 5, 40])
@pytest.mark.parametrize("height", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("width", [1, 2, 20, 59, 60, 100])
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_every_picture_fits(number: int, height: int, width: int, glyphs: object) -> None:
    """No line is wider than the window, and one line of it stays free, with wide characters too."""
    drawn = UNICODE if glyphs is UNICODE else ASCII
    views = [replace(view, ref=replace(view.ref, project="大きな支出をする人")) for view in fleet(number)]
    lines = picture(views, Canvas(width, height, drawn))
    assert len(lines) < max(height, 1)
    assert all(line.cell_len <= width for line in lines)


def test_many_imports_fold_with_the_urgent_ones_first() -> None:
    """What failed, what has an outage and what waits for a person come before what moves; all are counted."""
    lines = draw(*fleet(40), canvas=replace(WIDE, height=22))
    assert lines[0] == "40 imports: 8 stopped, 8 ready, 8 pending_approval, 8 in_progress, 8 complete · 1m10s"
    assert len(lines) == 21
    assert [line.split()[1] for line in lines[1:-1]] == (
        ["stopped"] * 8 + ["ready"] * 8 + ["pending_approval"] * 3
    )
    assert lines[-1] == "and 21 more: 5 pending_approval, 8 in_progress, 8 complete"
    assert lines[9] == (
        "⠋○○   ready              5.0s  segment-24/1234a567  no usable answer for 5s: HTTP 502"
    )


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (
            80,
            [
                "⠋○○   ready              5.0s  segment-1/1234a567  no usable answer for 5s: HTT…",
                "✓⠋○   in_progress        4.0s  segment-0/1234a567  next poll in 3.0s",
            ],
        ),
        (
            65,
            [
                "⠋○○   ready              5.0s  segment-1/1234a567  no usable ans…",
                "✓⠋○   in_progress        4.0s  segment-0/1234a567",
            ],
        ),
        (
            59,
            [
                "⠋ ready              5.0s  segment-1/1234a567  no usable a…",
                "⠋ in_progress        4.0s  segment-0/1234a567",
            ],
        ),
        (35, ["⠋ ready              5.0s  segment…", "⠋ in_progress        4.0s  segment…"]),
    ],
)
def test_a_line_of_many_keeps_what_matters(width: int, lines: list[str]) -> None:
    """A narrow window drops the marks, what is no trouble, trouble, and at last the end of the target."""
    moving, troubled = fleet(5)[1], fleet(5)[3]
    views = [
        replace(moving, ref=replace(REF, segment="segment-0")),
        replace(troubled, ref=replace(REF, segment="segment-1")),
    ]
    assert draw(*views, canvas=Canvas(width, 4, UNICODE))[1:] == lines


def test_a_few_imports_get_a_rail_each() -> None:
    """While there is room, imports stand as if each were alone."""
    views = fleet(5)
    assert draw(*views) == [line for view in views for line in draw(view)]


def test_the_last_picture_of_many_leaves_the_count_to_the_closing_words() -> None:
    """Where all have ended, no line is spent on what the closing line says."""
    views = [view for view in fleet(40) if view.ended is not None]
    lines = draw(*views, canvas=replace(WIDE, height=11))
    assert lines[0].split()[1] == "stopped"
    assert len(lines) == 10
    assert lines[-1] == "and 7 more: 7 complete"


def test_ascii_draws_nothing_else() -> None:
    """A terminal that shows ASCII alone gets nothing else, whatever is cut."""
    for width in (20, 60, 100):
        for height in (5, 50):
            canvas = Canvas(width, height, ASCII, turn=1)
            assert all(line.isascii() for line in draw(*fleet(20), canvas=canvas))


def test_foreign_text_is_no_markup() -> None:
    """Keys and messages that look like markup, emoji codes or links are drawn as they are."""
    key = "[bold]:smile:[/bold][link=https://x]"
    view = View(replace(REF, segment=key), GOAL, progress(("ready", 1.0)), notice=key)
    lines = picture([view], WIDE)
    assert key in lines[0].plain
    assert key in lines[-1].plain
    assert all(isinstance(line, Text) for line in lines)
