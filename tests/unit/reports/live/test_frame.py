"""The frames of the live view: their content, and that they fit into any window."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from tests.support.driving import REF
from tests.unit.reports.live.test_view_state import GOAL, ended, progress
from watcher.core.statuses import Outcome
from watcher.reports.live.frame import ASCII, UNICODE, Frame
from watcher.reports.live.view_state import ImportView

if TYPE_CHECKING:
    from watcher.core.model import ImportRef

LONG = replace(REF, import_id="1234a567-bcd8-9123-4567-abcd1234567f")
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


def draw(
    *views: ImportView, width: int = 100, height: int = 24, turn: int = 0, ascii_only: bool = False
) -> list[str]:
    """Draw one frame, and return its lines without colours and trailing blanks."""
    console = Console(file=StringIO(), width=width, height=height, force_terminal=True)
    frame = Frame(views, ASCII if ascii_only else UNICODE, turn)
    lines = console.render_lines(frame, pad=False)
    assert all(sum(segment.cell_length for segment in line) <= width for line in lines)
    return ["".join(segment.text for segment in line).rstrip() for line in lines]


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (
            40,
            [
                "⠋ pending_approval 3.3s  waiting for",
                "  approval in LaunchDarkly",
                "  ✓ preparing 2.6s ─ ⠋ pending_approval",
                "  ○ ready ─ ○ in_progress ─ ○ complete",
                "  until complete, for at most 1h",
                "  5 polls · 5.9s elapsed",
                "  next poll in 1.2s",
                "  default/production/big-spenders/1234a…",
            ],
        ),
        (
            80,
            [
                "⠋ pending_approval 3.3s  waiting for approval in LaunchDarkly",
                "  ✓ preparing 2.6s ─ ⠋ pending_approval ━── ○ ready ─ ○ in_progress ─ ○ complete",
                "  until complete, for at most 1h · 5 polls · 5.9s elapsed · next poll in 1.2s",
                "  default/production/big-spenders/1234a567-bcd8-9123-4567-abcd1234567f",
            ],
        ),
        (
            200,
            [
                "⠋ pending_approval 3.3s  waiting for approval in LaunchDarkly",
                "  ✓ preparing 2.6s ─ ⠋ pending_approval ━── ○ ready ─ ○ in_progress ─ ○ complete",
                "  until complete, for at most 1h · 5 polls · 5.9s elapsed · next poll in 1.2s",
                "  default/production/big-spenders/1234a567-bcd8-9123-4567-abcd1234567f",
            ],
        ),
    ],
)
def test_one_import(width: int, lines: list[str]) -> None:
    """The status comes first; lines break between steps and facts, and only the target is cut."""
    assert draw(APPROVAL, width=width) == lines


def test_the_spinner_and_the_rail_move() -> None:
    """Each frame shows another spinner character, and another place on the rail."""
    assert [draw(APPROVAL, turn=turn)[1][19:43] for turn in range(4)] == [
        "─ ⠋ pending_approval ━──",
        "─ ⠙ pending_approval ─━─",
        "─ ⠹ pending_approval ──━",
        "─ ⠸ pending_approval ━──",
    ]


def test_before_the_first_answer() -> None:
    """Nothing is known yet, and the steps are those to come."""
    assert draw(ImportView(REF, GOAL, progress(polls=0)))[:3] == [
        "⠋ not seen yet 0.0s  waiting for the first response",
        "  ⠋ not seen yet ━── ○ preparing ─ ○ ready ─ ○ in_progress ─ ○ complete",
        "  until complete, for at most 1h · 0 polls · 0.0s elapsed · request under way",
    ]


@pytest.mark.parametrize("width", [40, 100])
def test_trouble_has_its_own_lines(width: int) -> None:
    """Trouble is never cut, and follows the status."""
    trouble = "no usable answer for 5s: the server answered HTTP 502 大きな支出"
    lines = draw(ImportView(REF, GOAL, progress(("ready", 1.0)), trouble=trouble), width=width)
    assert f"! {trouble}" in " ".join(line.strip() for line in lines)
    assert lines.index(next(line for line in lines if "!" in line)) <= 2


@pytest.mark.parametrize(
    ("outcome", "status", "head", "last"),
    [
        (Outcome.COMPLETE, "complete", "✓ complete after 12s, 3 polls", "✓ complete"),
        (
            Outcome.REACHED,
            "ready",
            "✓ reached after 12s, 3 polls",
            "✓ ready 0ms ─ ○ in_progress ─ ○ complete",
        ),
        (Outcome.STOPPED, "stopped", "✗ stopped after 12s, 3 polls", "✗ stopped"),
        (Outcome.TIMEOUT, "in_progress", "✗ timeout after 12s, 3 polls", "✗ in_progress 0ms ─ ○ complete"),
        (
            Outcome.INTERRUPTED,
            "in_progress",
            "■ interrupted after 12s, 3 polls",
            "■ in_progress 0ms ─ ○ complete",
        ),
    ],
)
def test_the_last_frame_of_one_import(outcome: Outcome, status: str, head: str, last: str) -> None:
    """The outcome comes first, then the time spent in each step; the explanation is not part of the frame."""
    assert draw(ended(outcome, ("preparing", 12.0), (status, 0.0))) == [
        head,
        f"  ✓ preparing 12s ─ {last}",
        f"  {REF}",
    ]


def test_many_imports_fill_the_window_with_the_urgent_ones_first() -> None:
    """Failures, missing answers and approvals come before imports that move; all are counted."""
    lines = draw(*fleet(40), height=22)
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
            40,
            [
                "⠋  ready              5.0s  segment-3/1…",
                "⠋  pending_approval  1m10s  segment-2/1…",
                "⠋  in_progress        4.0s  segment-1/1…",
            ],
        ),
        (
            80,
            [
                "⠋○○   ready              5.0s  segment-3/1234a567  no usable answer for 5s: HTT…",
                "⠋○○○  pending_approval  1m10s  segment-2/1234a567  waiting for approval",
                "✓⠋○   in_progress        4.0s  segment-1/1234a567  next poll in 3.0s",
            ],
        ),
    ],
)
def test_a_row_keeps_the_status_at_any_width(width: int, lines: list[str]) -> None:
    """A narrow window drops the steps and the note, and cuts the target; keys that all share are left out."""
    assert draw(*fleet(5), width=width)[2:5] == lines


@pytest.mark.parametrize(
    ("second", "targets"),
    [
        (replace(REF, import_id="b"), ["1234a567", "b"]),
        (
            replace(REF, environment="test"),
            ["production/big-spenders/1234a567", "test/big-spenders/1234a567"],
        ),
        (replace(REF, project="p"), [str(REF), "p/production/big-spenders/1234a567"]),
    ],
)
def test_a_table_leaves_out_shared_keys(second: ImportRef, targets: list[str]) -> None:
    """Leading keys that all imports share are left out, but never the import ID."""
    views = [APPROVAL, replace(APPROVAL, ref=second)]
    views[0] = replace(views[0], ref=REF)
    assert [line.split()[3] for line in draw(*views, width=120)[1:]] == targets


def test_the_last_frame_of_many_imports_leaves_the_count_to_the_summary() -> None:
    """No line is spent on what the closing line says."""
    lines = draw(*[view for view in fleet(40) if view.ended is not None], height=11)
    assert lines[0].split()[1] == "stopped"
    assert len(lines) == 10
    assert lines[-1] == "and 7 more: 7 complete"


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
    assert lines[1] == f"  ! {key}"
    assert key in lines[-1]
    assert key in draw(view, APPROVAL, width=150)[1]
