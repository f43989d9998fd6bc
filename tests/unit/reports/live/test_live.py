"""What the live view knows of an import, what it says in lines of its own, and when there is one."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.simulation.virtual import VirtualLoop
from tests.support.driving import EPOCH, REF
from tests.unit.reports.live.test_picture import GOAL, progress
from tests.unit.reports.live.test_screen import read_all
from watcher.api.token import FixedToken, parse_token
from watcher.cli.choices import LogFormat, LogLevel, OutputFormat, Pipeline, ProgressStyle
from watcher.cli.reporting import make_log, speaks_unicode
from watcher.cli.settings import Settings
from watcher.core.events import Changed, Ended, Heartbeat, MetThrottle, MetUnknownStatus, Retrying, Watching
from watcher.core.exit_codes import Result
from watcher.core.messages.progress import Level
from watcher.core.model import Instant, Transition
from watcher.core.policy import Policy
from watcher.core.statuses import ImportStatus, Outcome, UnknownStatus
from watcher.reports.live import live
from watcher.reports.live.glyphs import ASCII
from watcher.reports.live.live import Board, LiveView
from watcher.reports.live.screen import Screen
from watcher.reports.plain import PlainLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from watcher.core.events import Event
    from watcher.core.model import ImportRef
    from watcher.reports.live.views import View

NOW = Instant(100.0, EPOCH + 100)
SEEN = progress(("preparing", 2.0))
STEP_BACK = Transition(ImportStatus.READY, ImportStatus.PREPARING, NOW, 3.0, 1.0, expected=False)
STEP = Transition(ImportStatus.PREPARING, ImportStatus.READY, NOW, 3.0, 1.0, expected=True)


def nowhere(ref: ImportRef) -> None:
    """A loop that has not begun."""
    del ref


def view_of(*events: Event, trouble: str | None, later: float = 0.0) -> View:
    """What the board knows of the one import some seconds after the last event."""
    now = Instant(NOW.monotonic + later, NOW.unix + later)
    latest = events[-1].progress
    board = Board(lambda ref: Heartbeat(ref, now, latest, 1, trouble, 4.0))
    for event in (Watching(REF, NOW, latest, GOAL), *events):
        board.receive(event)
    (view,) = board.views()
    return view


def test_a_throttle_counts_down_what_the_api_asked_for() -> None:
    """The notice stays until the next good answer, with the rest of the wait that was asked for."""
    throttle = MetThrottle(REF, NOW, SEEN, 13.0, 12.0, 1)
    assert view_of(throttle, trouble="rate limited", later=2.5).notice == (
        "rate limited (429): the API asks to wait 9.5s more"
    )
    assert view_of(throttle, trouble="rate limited", later=12.5).notice == "rate limited (429)"
    assert view_of(throttle, trouble=None).notice is None


def test_an_outage_says_what_failed_and_since_when() -> None:
    """The loop's own words are shown while the outage lasts."""
    retry = Retrying(REF, NOW, SEEN, "HTTP 502", 3.0, 1)
    view = view_of(retry, trouble="no usable answer for 7s: HTTP 502")
    assert (view.notice, view.next_poll) == ("no usable answer for 7s: HTTP 502", 4.0)
    assert view_of(retry, trouble=None).notice is None


def test_an_import_that_is_not_there_yet() -> None:
    """Patience with a 404 is said too, though it is no outage."""
    missing = Retrying(REF, NOW, progress(), "the import is not there yet: HTTP 404", 3.0, 1)
    assert view_of(missing, trouble=None).notice == "the import is not there yet: HTTP 404"


def test_an_end_is_final() -> None:
    """After the end the loop is asked no more."""
    board = Board(nowhere)
    board.receive(Watching(REF, NOW, progress(), GOAL))
    (before,) = board.views()
    assert before.ended is None
    board.receive(Ended(REF, NOW, SEEN, Outcome.STOPPED, "stopped"))
    (view,) = board.views()
    assert view.ended is not None
    assert view.progress is SEEN


class Terminal:
    """A terminal that a test puts in the place of standard error; pytest does so itself before each test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.master, slave = os.openpty()
        self.file = os.fdopen(slave, "w")
        self._monkeypatch = monkeypatch

    def become(self, *names: str) -> None:
        """Takes the place of standard streams."""
        for name in names:
            self._monkeypatch.setattr(sys, name, self.file)

    def read(self) -> str:
        """What was written to it."""
        return read_all(self.master, self.file.fileno()).decode()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A terminal that is closed with the test."""
    terminal = Terminal(monkeypatch)
    yield terminal
    terminal.file.close()
    os.close(terminal.master)


def in_a_loop(*steps: Callable[[], None]) -> None:
    """Makes the steps one after the other, with time for a frame after each."""

    async def run() -> None:
        for step in steps:
            step()
            await asyncio.sleep(0.01)

    asyncio.run(run())


def make_view(terminal: Terminal) -> LiveView:
    """A view of one import."""
    return LiveView(Screen(terminal.file), nowhere, Level.INFO, ASCII, several=False)


def test_what_a_picture_cannot_tell_gets_a_line(terminal: Terminal) -> None:
    """An unknown status and a step back are said once, above the picture; an ordinary step is not."""
    view = make_view(terminal)
    unknown = MetUnknownStatus(REF, NOW, SEEN, UnknownStatus("validating"))
    in_a_loop(
        lambda: view.receive(Watching(REF, NOW, SEEN, GOAL)),
        lambda: view.receive(Changed(REF, NOW, SEEN, STEP)),
        lambda: view.receive(Changed(REF, NOW, SEEN, STEP_BACK)),
        lambda: view.receive(unknown),
        lambda: view.say(Level.WARNING, "hint", "this is no access token"),
        view.close,
    )
    told = [line for line in terminal.read().splitlines() if "warning" in line]
    assert [line.partition("warning: ")[2] for line in told] == [
        "ready -> preparing after 1s, which is not the usual way",
        'this version does not know the status "validating"; waiting on',
        "this is no access token",
    ]


def test_a_defect_in_the_picture_costs_only_the_picture(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch goes on in plain lines, and its end is explained."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(live, "picture", fail)
    view = make_view(terminal)
    end = Ended(REF, NOW, SEEN, Outcome.STOPPED, "stopped. Look at it.")
    in_a_loop(
        lambda: view.receive(Watching(REF, NOW, SEEN, GOAL)),
        lambda: view.receive(Changed(REF, NOW, SEEN, STEP)),
        lambda: view.receive(end),
        lambda: view.finish(Result(Outcome.STOPPED, 3), (end,)),
        view.close,
    )
    text = terminal.read()
    assert text.count("the live view failed by a defect in watcher (ZeroDivisionError)") == 1
    assert "preparing -> ready" in text
    assert text.count("stopped. Look at it.") == 1


@pytest.mark.parametrize(
    ("quiet_for", "cost", "frames"),
    [(0.0, 0.0, "several"), (100.0, 0.0, "one"), (0.0, 0.03, "one")],
)
def test_how_often_it_draws(
    quiet_for: float, cost: float, frames: str, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Often while things happen, seldom in a calm that heartbeats do not end, and never beyond its share."""
    drawn: list[object] = []

    def draw(*_: object) -> list[object]:
        drawn.append(None)
        loop.work(cost)
        return []

    monkeypatch.setattr(live, "picture", draw)
    monkeypatch.setattr(live, "FRAME", 0.02)
    monkeypatch.setattr(live, "CALM_FRAME", 60.0)

    async def run() -> None:
        view = make_view(terminal)
        now = Instant(asyncio.get_running_loop().time(), EPOCH)
        view.receive(Watching(REF, replace(now, monotonic=now.monotonic - quiet_for), SEEN, GOAL))
        view.receive(Heartbeat(REF, now, SEEN, 1, None, None))
        await asyncio.sleep(0.4)
        view.close()

    loop = VirtualLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(run())
    assert ("one" if len(drawn) == 1 else "several") == frames


def settings(**changes: object) -> Settings:
    """The settings of a run at a terminal, but for some."""
    given: dict[str, object] = {
        "refs": (REF,),
        "base_uri": "https://app.launchdarkly.com",
        "tokens": FixedToken(parse_token("api-test", "the test")),
        "policy": Policy(),
    }
    return Settings(**(given | changes))  # type: ignore[arg-type] # the tests name real fields


@pytest.mark.parametrize(
    ("changes", "environ", "is_live", "said"),
    [
        ({}, {}, True, ""),
        ({}, {"TERM": "dumb"}, False, ""),
        ({}, {"TERM": ""}, False, ""),
        ({}, {"TERM": "unknown"}, False, ""),
        ({}, {"CI": "true"}, True, ""),
        ({"ci": Pipeline.GITLAB}, {}, False, ""),
        ({"log_level": LogLevel.WARNING}, {}, False, ""),
        ({"progress": ProgressStyle.PLAIN}, {}, False, ""),
        ({"progress": ProgressStyle.NONE}, {}, False, ""),
        ({"progress": ProgressStyle.LIVE, "ci": Pipeline.GITLAB}, {"CI": "true"}, True, ""),
        ({"progress": ProgressStyle.LIVE}, {"TERM": "dumb"}, False, "which TERM does not name"),
        (
            {"progress": ProgressStyle.LIVE, "log_level": LogLevel.WARNING},
            {},
            False,
            "needs --log-level info",
        ),
        ({"progress": ProgressStyle.LIVE, "log_level": LogLevel.ERROR}, {}, False, ""),
        ({"log_format": LogFormat.JSON, "progress": ProgressStyle.LIVE}, {}, False, ""),
        ({"output": OutputFormat.JSONL}, {}, True, ""),
    ],
)
def test_when_there_is_a_live_view(
    changes: dict[str, object],
    environ: dict[str, str],
    is_live: bool,  # noqa: FBT001 (a parameter of the test)
    said: str,
    terminal: Terminal,
) -> None:
    """Only a person's terminal gets it unasked; where it cannot be, that is said to those who asked."""
    terminal.become("stderr")
    log = make_log(settings(**changes), nowhere, {"TERM": "xterm"} | environ)
    log.say(Level.ERROR, "end", "the end")
    log.close()
    first, *others = terminal.read().splitlines()
    assert isinstance(log, LiveView) == is_live
    assert len(others) == bool(said)
    assert said in first


def test_events_and_a_picture_do_not_share_a_terminal(terminal: Terminal) -> None:
    """Where the JSON lines go to the same terminal there is no picture that would overwrite them."""
    terminal.become("stdout", "stderr")
    given = settings(output=OutputFormat.JSONL, progress=ProgressStyle.LIVE)
    assert isinstance(make_log(given, nowhere, {"TERM": "xterm"}), PlainLog)
    assert "that --output jsonl does not write to; progress is plain" in terminal.read()


def test_a_live_view_needs_a_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Standard error in a file gets plain lines, and one that says why to those who asked for more."""
    log = tmp_path / "log"
    with log.open("w") as file:
        monkeypatch.setattr(sys, "stderr", file)
        for style in (ProgressStyle.AUTO, ProgressStyle.LIVE):
            assert isinstance(make_log(settings(progress=style), nowhere, {"TERM": "xterm"}), PlainLog)
    assert (
        log.read_text()[8:] == " warning: a live view needs a terminal on standard error; progress is plain\n"
    )


@pytest.mark.parametrize(
    ("environ", "unicode"),
    [
        ({"LANG": "en_US.UTF-8"}, True),
        ({"LANG": "C.utf8"}, True),
        ({"LANG": "de_DE.UTF-8@euro"}, True),
        ({"LC_CTYPE": "UTF-8"}, True),
        ({"LANG": "C"}, False),
        ({}, False),
        ({"LC_ALL": "C", "LC_CTYPE": "C.UTF-8", "LANG": "en_US.UTF-8"}, False),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, False),
        ({"LC_ALL": "", "LANG": "ja_JP.eucJP"}, False),
    ],
)
def test_what_the_terminal_can_show(environ: dict[str, str], unicode: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    """The locale decides, and what Python makes of the C locale does not hide it."""
    assert speaks_unicode(environ) == unicode
