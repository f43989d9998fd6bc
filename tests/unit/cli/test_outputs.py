"""Which outputs a run gets: when there is a live view, and which characters it may use."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from watcher.cli.choices import LogFormat, LogLevel, OutputFormat, Pipeline, ProgressStyle
from watcher.cli.reporting import make_log, speaks_unicode

from tests.support.driving import REF
from tests.support.terminal import read_all
from watcher.api.token import FixedToken, parse_token
from watcher.cli.settings import Settings
from watcher.core.messages.progress import Level
from watcher.core.policy import Policy
from watcher.reports.live.live import LiveView
from watcher.reports.plain import PlainLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from watcher.core.model import ImportRef


def nowhere(ref: ImportRef) -> None:
    """A loop that has not begun."""
    del ref


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
