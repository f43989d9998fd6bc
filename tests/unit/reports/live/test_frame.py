"""The frames of the live view: their content, and that they fit into any window."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from tests.support.driving import REF
from tests.unit.reports.live.snapshots import APPROVAL, RUNNING, SCENES, SNAPSHOTS, draw, fleet, render
from tests.unit.reports.live.test_view_state import GOAL, ended, progress
from watcher.core.statuses import Outcome
from watcher.reports.live.frame import UNICODE
from watcher.reports.live.table import TableFrame
from watcher.reports.live.view_state import Attention, ImportView

if TYPE_CHECKING:
    from watcher.core.model import ImportRef


@pytest.mark.parametrize("scene", SCENES)
def test_the_view_looks_as_its_snapshot(scene: str) -> None:
    """At four widths, and on ASCII terminals, every line is where the snapshot has it."""
    assert render(scene) == (SNAPSHOTS / f"{scene}.txt").read_text("utf-8")


def test_the_spinner_and_the_track_move() -> None:
    """Each frame shows another spinner character, and the pulse one place further on the track."""
    tracks = [next(line for line in draw(APPROVAL, turn=turn) if "──" in line) for turn in (5, 6, 7)]
    assert tracks == [
        "⠴  pending_approval    3.3s   ━━━━━───────────────────",
        "⠦  pending_approval    3.3s   ─━━━━━──────────────────",
        "⠧  pending_approval    3.3s   ──━━━━━─────────────────",
    ]


def test_before_the_first_answer() -> None:
    """Nothing is known yet, and the steps are those to come."""
    lines = draw(ImportView(REF, GOAL, progress(polls=0)))
    assert lines[0].startswith("⠋  not seen yet    0.0s   ──")
    assert lines[1] == "   waiting for the first response"
    assert lines[2:6] == ["○  preparing", "○  ready", "○  in_progress", "○  complete"]


def test_the_last_frame_counts_failed_polls() -> None:
    """The last frame says how many polls failed, also in the row of one of several imports."""
    view = ended(Outcome.COMPLETE, ("preparing", 9.0), ("complete", 0.0))
    troubled = replace(view, progress=replace(view.progress, polls=12, throttled=1, errors=2))
    assert draw(troubled)[1] == "✓  complete       9s   12 polls, 1 rate limit, 2 errors"
    assert draw(troubled, result_follows=True)[1] == "   1 rate limit, 2 errors"
    _, first, second = draw(view, replace(troubled, ref=replace(REF, import_id="other")))
    assert first.endswith("1234a567")
    assert second.endswith("other     1 rate limit, 2 errors")


def test_the_last_frame_leaves_the_outcome_to_the_lines_below() -> None:
    """A result or an explanation below names the outcome, so only the steps remain."""
    way = (("preparing", 9.0), ("ready", 2.5))
    complete = ended(Outcome.COMPLETE, *way, ("complete", 0.0))
    assert draw(complete)[-2:] == ["✓  complete      11s   3 polls", f"   {REF}"]
    assert draw(complete, result_follows=True) == ["✓  preparing      9s", "✓  ready        2.5s"]
    steps = ["✓  preparing        9s", "✗  ready          2.5s", "○  in_progress", "○  complete"]
    for result_follows in (False, True):
        assert draw(ended(Outcome.TIMEOUT, *way), result_follows=result_follows) == steps
        assert draw(ended(Outcome.UNAUTHORIZED), result_follows=result_follows) == []


def test_the_last_table_has_only_what_nothing_else_reports() -> None:
    """Explained failures are left out, and everything if the result follows."""
    views = fleet(5)[:1] + fleet(5)[4:]
    assert draw(*views) == ["default/production", "✓✓  complete  9s  segment-0/1234a567"]
    assert draw(*views, result_follows=True) == []
    assert draw(views[1], views[1]) == []


@pytest.mark.parametrize("width", [40, 100])
def test_trouble_has_its_own_lines(width: int) -> None:
    """Trouble is never cut, and follows the status."""
    trouble = "no usable answer for 5s: the server answered HTTP 502 大きな支出"
    lines = draw(ImportView(REF, GOAL, progress(("ready", 1.0)), trouble=trouble), width=width)
    assert f"! {trouble}" in " ".join(line.strip() for line in lines)
    assert next(index for index, line in enumerate(lines) if "!" in line) <= 3


def test_a_low_window_has_no_empty_lines_and_fewer_completed_steps() -> None:
    """The current step and the facts stay visible for as long as possible."""
    assert "" in draw(RUNNING, height=10)
    assert draw(RUNNING, height=9)[0].startswith("✓  preparing")
    assert "" not in draw(RUNNING, height=9)
    assert draw(RUNNING, height=7)[0].startswith("✓  ready")
    for height in range(2, 7):
        assert draw(RUNNING, height=height)[0].startswith("⠋  in_progress ")


def test_below_forty_columns_a_row_is_one_line() -> None:
    """The status, its duration and the beginning of the target stay readable; no column vanishes."""
    lines = draw(*fleet(5), width=30)
    assert lines[3:6] == [
        "✗ stopped 3s segment-4",
        "⠋ ready 5.0s segment-3",
        "⠋ pending_approval 1m10s segm…",
    ]


def test_many_imports_fill_the_window_with_the_urgent_ones_first() -> None:
    """Failures, missing answers and approvals come before imports that move; all are counted."""
    lines = draw(*fleet(40), height=24)
    assert lines[:3] == [
        " 8 of 40 complete  1m10s   ━━━━━━━━━───────────────",
        "default/production · until complete, for at most 1h",
        "! 8 of 40 imports: no usable answer for 5s: HTTP 502",
    ]
    assert len(lines) == 23
    assert [line.split()[1] for line in lines[3:-1]] == (
        ["stopped"] * 8 + ["ready"] * 8 + ["pending_approval"] * 3
    )
    assert lines[-1] == "and 21 more: 5 pending_approval, 8 in_progress, 8 complete"


def test_trouble_of_one_import_is_in_its_row() -> None:
    """Only trouble that imports share has a line of its own."""
    lines = draw(*fleet(5))
    assert not any(line.startswith("!") for line in lines)
    assert lines[3].endswith("segment-3  no usable answer for 5s: HTTP 502")


@pytest.mark.parametrize(
    ("second", "targets"),
    [
        (replace(REF, import_id="b"), ["1234a567", "b"]),
        (
            replace(REF, environment="test"),
            ["production/big-spenders", "test/big-spenders"],
        ),
        (replace(REF, project="p"), ["default/production/big-spenders", "p/production/big-spenders"]),
    ],
)
def test_a_table_names_only_what_tells_imports_apart(second: ImportRef, targets: list[str]) -> None:
    """Leading keys that all imports share are left out, and import IDs unless they are needed."""
    views = [APPROVAL, replace(APPROVAL, ref=second)]
    views[0] = replace(views[0], ref=REF)
    assert [line.split()[3] for line in draw(*views, width=120)[-2:]] == targets


def test_the_last_frame_of_many_imports_leaves_the_count_to_the_summary() -> None:
    """No line is spent on what the closing line says, and rows name whole targets."""
    lines = draw(*[view for view in fleet(100) if view.attention is Attention.DONE], height=11)
    assert lines[:2] == ["default/production", "✓✓  complete  9s  segment-0/1234a567"]
    assert len(lines) == 10
    assert lines[-1] == "and 12 more: 12 complete"


def test_the_bar_shows_all_imports_that_have_ended() -> None:
    """Successes and failures are told apart by their colour."""
    views = [*fleet(5)[:2], *fleet(10)[-4:]]
    drawn = StringIO()
    console = Console(file=drawn, width=100, height=24, force_terminal=True, color_system="standard")
    console.print(TableFrame(views, UNICODE))
    title = drawn.getvalue().splitlines()[0]
    assert re.findall(r"\x1b\[(\d+)m(━+|─+)", title) == [("32", "━" * 4), ("31", "━" * 8), ("2", "─" * 12)]


@pytest.mark.parametrize(("width", "names"), [(60, "segment-o…"), (90, "segment-of-a-long-name-0")])
def test_a_table_cuts_notes_and_names_before_anything_else(width: int, names: str) -> None:
    """Statuses and durations stay readable in a narrow window, with long names and long notes."""
    long = [
        replace(view, ref=replace(view.ref, segment=f"segment-of-a-long-name-{index}"))
        for index, view in enumerate(fleet(5))
    ]
    lines = draw(*long, width=width)
    assert all(
        view.name in line and view.spent in line for view, line in zip(reversed(long), lines[2:], strict=True)
    )
    assert names in lines[-1]


@pytest.mark.parametrize("number", [1, 2, 5, 40])
@pytest.mark.parametrize("width", [2, 20, 40, 59, 60, 80, 120, 200])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_every_frame_fits(number: int, width: int, ascii_only: bool) -> None:
    """No line is wider than the window, with wide characters too, and tables leave a line for the cursor."""
    views = [replace(view, ref=replace(view.ref, project="大きな支出をする人")) for view in fleet(number)]
    for height in (3, 7, 50):
        lines = draw(*views, width=width, height=height, ascii_only=ascii_only)
        assert number == 1 or len(lines) < height


def test_ascii_terminals_get_ascii_only() -> None:
    """A terminal without UTF-8 gets no other characters, whatever is cut."""
    for width in (20, 60, 100):
        for views in (fleet(20), *([view] for view in fleet(5))):
            for turn in range(4):
                assert all(line.isascii() for line in draw(*views, width=width, turn=turn, ascii_only=True))


def test_text_of_the_api_is_no_markup() -> None:
    """Keys and messages that look like markup, emoji codes or links are drawn as they are."""
    key = "[bold]:smile:[/bold][link=https://x]"
    view = ImportView(replace(REF, segment=key), GOAL, progress(("ready", 1.0)), trouble=key)
    lines = draw(view)
    assert f"   ! {key}" in lines
    assert key in lines[-1]
    assert any(key in line for line in draw(view, APPROVAL, width=150))
