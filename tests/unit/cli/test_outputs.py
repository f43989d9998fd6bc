"""Which reports a run has: when there is a live view, and which characters it may use."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.driving import REF
from tests.support.terminal import read_all
from watcher.cli.outputs import is_utf8_locale, make_log, make_reports
from watcher.cli.settings import LogFormat, LogLevel, OutputFormat, Pipeline, ProgressStyle, Settings
from watcher.core.exit_codes import ExitCodes
from watcher.core.messages.progress import Level
from watcher.reports.live.live import LiveView
from watcher.reports.on_change import LogOfChanges
from watcher.reports.plain import PlainLog
from watcher.reports.report import Notice
from watcher.reports.results import ResultBuilder
from watcher.state.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from watcher.core.model import ImportRef


def nowhere(ref: ImportRef) -> None:
    """Return no snapshot, as before the watch begins."""
    del ref


class Terminal:
    """A terminal that replaces standard streams during a test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.master, slave = os.openpty()
        self.file = os.fdopen(slave, "w")
        self._monkeypatch = monkeypatch

    def become(self, *names: str) -> None:
        """Replace standard streams."""
        for name in names:
            self._monkeypatch.setattr(sys, name, self.file)

    def read(self) -> str:
        """Return what was written."""
        return read_all(self.master, self.file.fileno()).decode()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Open a terminal, and close it after the test."""
    terminal = Terminal(monkeypatch)
    yield terminal
    terminal.file.close()
    os.close(terminal.master)


def settings(**changes: object) -> Settings:
    """Return the settings of a run at a terminal, with some changes."""
    return Settings(**changes)  # type: ignore[arg-type] # the tests name real fields


@pytest.mark.parametrize(
    ("changes", "environ", "is_live", "reason"),
    [
        ({}, {}, True, ""),
        ({}, {"TERM": "dumb"}, False, ""),
        ({}, {"TERM": ""}, False, ""),
        ({}, {"TERM": "unknown"}, False, ""),
        ({}, {"CI": "true"}, False, ""),
        ({}, {"CI": ""}, True, ""),
        ({"ci": Pipeline.GITLAB}, {}, False, ""),
        ({"log_level": LogLevel.WARNING}, {}, False, ""),
        ({"progress": ProgressStyle.PLAIN}, {}, False, ""),
        ({"progress": ProgressStyle.NONE}, {}, False, ""),
        ({"progress": ProgressStyle.LIVE, "ci": Pipeline.GITLAB}, {"CI": "true"}, True, ""),
        ({"progress": ProgressStyle.LIVE}, {"TERM": "dumb"}, False, "(see TERM)"),
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
    is_live: bool,
    reason: str,
    terminal: Terminal,
) -> None:
    """The live view is the default on a terminal; if it was asked for and is impossible, a line says why."""
    terminal.become("stderr")
    log = make_log(settings(**changes), nowhere, {"TERM": "xterm"} | environ)
    log.notify(Notice(Level.ERROR, "end", "the end"))
    log.close()
    first, *others = terminal.read().splitlines()
    assert isinstance(log, LiveView) == is_live
    assert len(others) == bool(reason)
    assert reason in first


def test_json_lines_and_a_live_view_do_not_share_a_terminal(terminal: Terminal) -> None:
    """JSON lines on the same terminal rule out the live view, which would overwrite them."""
    terminal.become("stdout", "stderr")
    given = settings(output=OutputFormat.JSONL, progress=ProgressStyle.LIVE)
    assert isinstance(make_log(given, nowhere, {"TERM": "xterm"}), PlainLog)
    assert "that --output jsonl does not write to. Progress is plain." in terminal.read()


def test_a_live_view_needs_a_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file gets plain lines, and a reason if the live view was asked for."""
    log = tmp_path / "log"
    with log.open("w") as file:
        monkeypatch.setattr(sys, "stderr", file)
        for style in (ProgressStyle.AUTO, ProgressStyle.LIVE):
            assert isinstance(make_log(settings(progress=style), nowhere, {"TERM": "xterm"}), PlainLog)
    assert (
        log.read_text()[8:]
        == " warning: the live view needs a terminal on standard error. Progress is plain.\n"
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
def test_what_the_terminal_can_show(environ: dict[str, str], unicode: bool) -> None:
    """The locale decides whether the terminal shows more than ASCII, whatever Python changes about it."""
    assert is_utf8_locale(environ) == unicode


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize("is_saved", [False, True])
def test_only_looks_with_a_state_file_report_changes_only(
    tmp_path: Path, *, once: bool, is_saved: bool
) -> None:
    """A wait that continues reports everything, and so does a look that is not saved."""
    builder = ResultBuilder(ExitCodes())
    with open_store(tmp_path / "state", "https://app.launchdarkly.com", [REF], pytest.fail) as store:
        known = store if is_saved else None
        reports = make_reports(Settings(once=once), builder, several=False, snapshot=nowhere, store=known)
    assert any(isinstance(report, LogOfChanges) for report in reports) is (once and is_saved)
