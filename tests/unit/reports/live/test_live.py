"""The live view: its lines, its frame rate, its last frame, and what a defect costs."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.simulation.virtual import VirtualLoop
from tests.support.driving import EPOCH, REF
from tests.support.logs import never, nowhere
from tests.unit.reports.live.test_view_state import GOAL, progress
from watcher.core.events import Changed, Ended, Heartbeat, MetUnknownStatus, Watching
from watcher.core.exit_codes import Result
from watcher.core.messages.progress import Level, line_of
from watcher.core.model import Instant, Transition
from watcher.core.statuses import ImportStatus, Outcome, UnknownStatus
from watcher.reports.live import live
from watcher.reports.live.frame import ASCII, Frame
from watcher.reports.live.live import LiveView
from watcher.reports.live.region import Region
from watcher.reports.report import Notice
from watcher.reports.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

    from tests.support.terminal import Window

NOW = Instant(100.0, EPOCH + 100)
SEEN = progress(("preparing", 2.0))
STEP = Transition(ImportStatus.PREPARING, ImportStatus.READY, NOW, 3.0, 1.0, expected=True)
STEP_BACK = Transition(ImportStatus.READY, ImportStatus.PREPARING, NOW, 3.0, 1.0, expected=False)
BEGIN = Watching(REF, NOW, SEEN, GOAL)


def make_view(window: Window) -> LiveView:
    """Return a view of one import."""
    return LiveView(Stream(window.file), nowhere, Level.INFO, ASCII, several=False, defer=never)


def in_a_loop(*steps: Callable[[], None]) -> None:
    """Call one function after the other, with time for a frame after each."""

    async def run() -> None:
        for step in steps:
            step()
            await asyncio.sleep(0.01)

    asyncio.run(run())


def test_unusual_events_get_a_line(window: Window) -> None:
    """Unknown statuses, unexpected transitions and notices are written once, above the region."""
    window.resize(80, 24)
    view = make_view(window)
    unknown = MetUnknownStatus(REF, NOW, SEEN, UnknownStatus("validating"))
    back = Changed(REF, NOW, SEEN, STEP_BACK)
    in_a_loop(
        lambda: view.receive(BEGIN),
        lambda: view.receive(Changed(REF, NOW, SEEN, STEP)),
        lambda: view.receive(back),
        lambda: view.receive(unknown),
        lambda: view.notify(Notice(Level.WARNING, "hint", "this is no access token")),
        view.close,
    )
    _ = window.lines
    text = re.sub(r"\x1b\[[\d;]*m", "", window.raw.decode())
    lines = [line for line in text.splitlines() if "warning: " in line]
    expected = [line_of(back), line_of(unknown), "this is no access token"]
    assert [line.partition("warning: ")[2] for line in lines] == expected


def test_a_defect_in_the_drawing_costs_only_the_frames(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch goes on in plain lines, the cursor is visible, and the outcome is explained once."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(live, "CALM_FRAME", 0.001)
    monkeypatch.setattr(live, "thread_time", lambda: 0.0)
    view = make_view(window)
    end = Ended(REF, NOW, SEEN, Outcome.STOPPED, "stopped. Look at it.")
    window.resize(100, 24)
    in_a_loop(
        lambda: view.receive(BEGIN),
        lambda: monkeypatch.setattr(Frame, "__rich_console__", fail),
        lambda: view.receive(Changed(REF, NOW, SEEN, STEP)),
        lambda: view.receive(end),
        lambda: view.finish(Result(Outcome.STOPPED, 3, end.message, ends=(end,))),
        view.close,
    )
    assert window.lines
    text = re.sub(r"\x1b\[[\d;]*m", "", window.raw.decode())
    assert text.count("the live view failed because of a defect in watcher (ZeroDivisionError)") == 1
    assert "preparing -> ready" in text
    assert text.count("Look at it.") == 1


def frames_in(
    seconds: float, window: Window, monkeypatch: pytest.MonkeyPatch, *, cost: float = 0.0
) -> list[float]:
    """Return the times of the frames within some seconds of virtual time after one event.

    Args:
        seconds: The length of the test; heartbeats come every 10 seconds.
        window: The terminal.
        monkeypatch: Replaces the drawing and its clock.
        cost: Processor seconds that each frame takes.
    """
    times: list[float] = []

    def draw(_region: Region, _frame: RenderableType, *, last: bool = False) -> None:
        del last
        times.append(loop.time())

    monkeypatch.setattr(Region, "draw", draw)
    monkeypatch.setattr(live, "thread_time", lambda: cost * len(times))

    async def run() -> None:
        view = make_view(window)
        view.receive(Watching(REF, Instant(loop.time(), EPOCH), SEEN, GOAL))
        for _ in range(int(seconds / 10)):
            await asyncio.sleep(10)
            view.receive(Heartbeat(REF, Instant(loop.time(), EPOCH), SEEN, 1, None, None))
        view.close()

    loop = VirtualLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(run())
    return times


def test_four_frames_per_second_and_one_in_a_calm(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty seconds after the last event there is one frame per second; a heartbeat is no event."""
    times = frames_in(100, window, monkeypatch)
    busy = [time for time in times if time < 60]
    assert 239 <= len(busy) <= 241
    assert 39 <= len(times) - len(busy) <= 41


def test_drawing_uses_at_most_a_twentieth_of_a_processor(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames that cost 50 ms of processor time come once per second."""
    assert 10 <= len(frames_in(10, window, monkeypatch, cost=0.05)) <= 11


def test_the_last_frame_stays_above_the_explanation(window: Window) -> None:
    """An unsuccessful outcome is written as a line below the last frame, and nothing is drawn afterwards."""
    view = make_view(window)
    window.resize(80, 24)
    window.screen.resize(24, 80)
    end = Ended(REF, NOW, SEEN, Outcome.STOPPED, "stopped. Look at it.")
    in_a_loop(
        lambda: view.receive(BEGIN),
        lambda: view.receive(end),
        lambda: view.finish(Result(Outcome.STOPPED, 3, end.message, ends=(end,))),
        view.close,
    )
    first, *others = window.lines
    assert first == "x  preparing        2s"
    assert others[:-1] == [".  ready", ".  in_progress", ".  complete"]
    assert others[-1].endswith(f"error: stopped. Look at it. ({REF})")
    assert window.raw.count(b"Look at it.") == 1


@pytest.mark.parametrize("outcome", [Outcome.STOPPED, Outcome.COMPLETE])
def test_the_target_is_left_to_the_result_below(window: Window, outcome: Outcome) -> None:
    """If the terminal also shows the result, neither the last frame nor the explanation names the import."""
    view = LiveView(
        Stream(window.file), nowhere, Level.INFO, ASCII, several=False, defer=never, result_follows=True
    )
    window.resize(80, 24)
    end = Ended(REF, NOW, SEEN, outcome, "look at it")
    in_a_loop(
        lambda: view.receive(BEGIN),
        lambda: view.receive(end),
        lambda: view.finish(Result(outcome, 0, end.message, ends=(end,))),
        view.close,
    )
    assert not any(REF.segment in line for line in window.lines)
    assert any("look at it" in line for line in window.lines) == (outcome is Outcome.STOPPED)


def test_the_last_frame_of_a_success_is_the_last_output(window: Window) -> None:
    """A success is not repeated below the frame."""
    view = make_view(window)
    end = Ended(
        REF, NOW, progress(("preparing", 2.0), ("complete", 0.0)), Outcome.COMPLETE, "complete after 2s"
    )
    in_a_loop(
        lambda: view.receive(BEGIN),
        lambda: view.receive(end),
        lambda: view.finish(Result(Outcome.COMPLETE, 0, end.message, ends=(end,))),
        view.close,
    )
    assert window.lines == [
        "+  preparing      2s",
        "+  complete       2s   3 polls",
        "   default/production/big-spenders/1234a",
        "   567",
    ]


def clock(seconds: float) -> str:
    """Return the time of day some seconds after the start."""
    return time.strftime("%H:%M:%S", time.localtime(EPOCH + seconds))


def several_ends(window: Window, *, result_follows: bool) -> list[str]:
    """Watch four imports to their ends, and return the lines that stay.

    The first one stops, two lose their connection at different statuses while a third one completes.
    """
    later: list[Callable[[], None]] = []
    view = LiveView(
        Stream(window.file),
        nowhere,
        Level.INFO,
        ASCII,
        several=True,
        defer=lambda _, call: later.append(call),
        result_follows=result_follows,
    )
    window.resize(100, 24)
    window.screen.resize(24, 100)
    stopped, cut, good, also_cut = (replace(REF, segment=name) for name in ("a", "b", "c", "d"))
    faults = [
        f"no usable response for 5s: HTTP 502; last status {status}. Check the network."
        for status in ("preparing for 2s", "ready for 1s")
    ]
    ends = (
        Ended(stopped, Instant(1.0, EPOCH + 1), SEEN, Outcome.STOPPED, "stopped after 2s. Look at it."),
        Ended(also_cut, Instant(3.0, EPOCH + 3), SEEN, Outcome.UNAVAILABLE, faults[0]),
        Ended(good, Instant(4.0, EPOCH + 4), progress(("complete", 0.0)), Outcome.COMPLETE, "complete"),
        Ended(cut, Instant(5.0, EPOCH + 5), progress(("ready", 1.0)), Outcome.UNAVAILABLE, faults[1]),
    )
    result = Result(Outcome.STOPPED, 3, "1 of 4 imports complete", ends=(ends[0], ends[3], ends[2], ends[1]))

    def explained_at_once() -> None:
        for call in later:
            call()
        later.clear()
        assert any("Look at it. (" in line for line in window.lines)

    in_a_loop(
        *[partial(view.receive, replace(BEGIN, ref=ref)) for ref in (stopped, cut, good, also_cut)],
        lambda: view.receive(ends[0]),
        explained_at_once,
        *[partial(view.receive, end) for end in ends[1:]],
        lambda: view.finish(result),
        view.close,
    )
    return window.lines


def test_each_import_of_several_is_named_once(window: Window) -> None:
    """Failures are explained as they happen, in the order of their times; the last table has the others."""
    lines = several_ends(window, result_follows=False)
    assert [line.split(" ")[0] for line in lines if "error: " in line][:2] == [clock(1), clock(3)]
    first, second, table, last = re.split(r"\n(?=\d\d:|default)", "\n".join(lines))
    first, second = (" ".join(line.split()) for line in (first, second))
    assert first.endswith("error: stopped after 2s. Look at it. (default/production/a/1234a567)")
    assert second.endswith(
        "error: no usable response for 5s: HTTP 502. Check the network. "
        "(2 imports: default/production/b/1234a567, default/production/d/1234a567)"
    )
    assert table == "default/production\n+  complete  0ms  c/1234a567"
    assert last.endswith("error: 1 of 4 imports complete")


def test_several_imports_with_a_result_below(window: Window) -> None:
    """If the result names the imports, there is no last table, and explanations use short names."""
    first, second, last = several_ends(window, result_follows=True)
    assert first.endswith("error: stopped after 2s. Look at it. (a)")
    assert second.endswith("error: no usable response for 5s: HTTP 502. Check the network. (2 imports: b, d)")
    assert last.endswith("error: 1 of 4 imports complete")


def test_a_run_that_watched_nothing_draws_nothing(window: Window) -> None:
    """A usage error leaves its message only."""
    view = make_view(window)
    view.finish(Result(Outcome.USAGE, 2, "no target"))
    view.close()
    assert [line for line in window.lines if line] == ["watcher: no target"]


def test_a_view_of_a_blocked_terminal_restores_the_cursor_at_once(window: Window) -> None:
    """The method for signal handlers returns although nobody reads the terminal."""
    stream = Stream(window.file)
    view = LiveView(stream, nowhere, Level.INFO, ASCII, several=False, defer=never)
    while not stream.pending:
        stream.write("x" * 1000)
    view.abort()
