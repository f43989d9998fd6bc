"""Trouble that several imports share is one line with their number; recovery and failures likewise."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.driving import EPOCH, REF
from tests.unit.reports.live.test_view_state import progress
from watcher.core.events import Changed, Ended, Event, Heartbeat, MetThrottle, Retrying, Watching
from watcher.core.exit_codes import ExitCodes
from watcher.core.messages.progress import Level
from watcher.core.model import ImportRef, Instant, Transition
from watcher.core.statuses import ImportStatus, Outcome
from watcher.reports.lines import LineWriter
from watcher.reports.plain import PlainLog
from watcher.reports.stream import Stream
from watcher.reports.trouble import COLLECTING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

REFS = [replace(REF, import_id=f"imp-{number}") for number in range(100)]
RUNNING = progress(("in_progress", 4.0))
GOAL = "until complete, for at most 1h"


class Log:
    """A plain log of several imports on a clock that is moved by hand."""

    def __init__(self, path: Path, refs: Iterable[ImportRef] = REFS, level: Level = Level.INFO) -> None:
        self.now = 0.0
        self.troubled: set[ImportRef] = set()
        self._path = path
        self._timers: list[tuple[float, Callable[[], None]]] = []
        self._file = path.open("w")
        self.log = PlainLog(
            LineWriter(Stream(self._file), level),
            several=True,
            snapshot=self._snapshot,
            defer=lambda delay, function: self._timers.append((self.now + delay, function)),
        )
        for ref in refs:
            self.log.receive(Watching(ref, self.at, RUNNING, GOAL))

    @property
    def at(self) -> Instant:
        """The time."""
        return Instant(self.now, EPOCH + self.now)

    def receive(self, *events: Event) -> None:
        """Pass events on."""
        for event in events:
            self.log.receive(event)

    def fault(self, refs: Iterable[ImportRef], detail: str = "HTTP 503", *, in_a_row: int = 1) -> None:
        """Let imports meet a fault."""
        for ref in refs:
            self.troubled.add(ref)
            self.log.receive(Retrying(ref, self.at, RUNNING, detail, 1.0, in_a_row))

    def end(self, ref: ImportRef, outcome: Outcome = Outcome.COMPLETE, message: str = "complete") -> Ended:
        """Let the wait for an import end."""
        ended = Ended(ref, self.at, RUNNING, outcome, message)
        self.log.receive(ended)
        return ended

    def wait(self, seconds: float) -> None:
        """Move the clock, and call what is due."""
        end = self.now + seconds
        while due := [timer for timer in self._timers if timer[0] <= end]:
            first = min(due, key=lambda timer: timer[0])
            self._timers.remove(first)
            self.now = max(self.now, first[0])
            first[1]()
        self.now = end

    def lines(self) -> list[str]:
        """Return all lines so far without the time of day."""
        self._file.flush()
        return [re.sub(r"^[\d:]+ ", "", line) for line in self._path.read_text("utf-8").splitlines()]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _snapshot(self, ref: ImportRef) -> Heartbeat:
        trouble = "no usable response" if ref in self.troubled else None
        return Heartbeat(ref, self.at, replace(RUNNING, seen_at=self.at.unix), 1, trouble, 1.0)


MakeLog = Callable[..., Log]


@pytest.fixture
def make_log(tmp_path: Path) -> Iterator[MakeLog]:
    """Return a function that makes a log, whose file is closed afterwards."""
    logs: list[Log] = []

    def make(refs: Iterable[ImportRef] = REFS, level: Level = Level.INFO) -> Log:
        logs.append(Log(tmp_path / "stderr", refs, level))
        return logs[-1]

    yield make
    for log in logs:
        log.close()


@pytest.fixture
def log(make_log: MakeLog) -> Log:
    """Return a log of a hundred imports."""
    return make_log()


START = "watching 100 imports of default/production/big-spenders until complete, for at most 1h"


def test_an_outage_of_all_imports_is_one_line_and_so_is_its_end(log: Log) -> None:
    """A hundred imports get one warning with their number, and one line when all have a response again."""
    log.fault(REFS)
    log.wait(5)
    log.fault(REFS, in_a_row=2)
    log.wait(5)
    log.troubled.clear()
    log.wait(5)
    assert log.lines() == [
        START,
        "warning: HTTP 503; retrying (all 100 imports)",
        "responding again after 11s (all 100 imports)",
    ]


def test_an_outage_that_spreads_is_still_one_line(log: Log) -> None:
    """Imports that are polled later meet the same outage; the end names the number of all of them."""
    log.fault(REFS[:20])
    log.wait(COLLECTING)
    for ref in REFS[20:60]:
        log.fault([ref])
        log.wait(0.3)
    log.troubled.clear()
    log.wait(2)
    assert log.lines() == [
        START,
        "warning: HTTP 503; retrying (20 of 100 imports so far)",
        "responding again after 15s (60 of 100 imports)",
    ]


def test_an_outage_of_one_import_that_spreads_is_one_more_line(log: Log) -> None:
    """The first line names the import; the next one gives the number, with that import."""
    log.fault(REFS[7:8])
    log.wait(COLLECTING)
    for ref in REFS[50:60]:
        log.fault([ref])
        log.wait(0.5)
    for ref in REFS[50:60]:
        log.fault([ref], in_a_row=2)
    log.wait(COLLECTING)
    assert log.lines()[1:] == [
        "warning: HTTP 503; checking again in 1s (imp-7)",
        "warning: HTTP 503; retrying (5 of 100 imports so far)",
    ]


def test_two_outages_are_two_lines(log: Log) -> None:
    """What was reported of an earlier outage says nothing about a later one."""
    for _ in range(2):
        log.fault(REFS)
        log.troubled.clear()
        log.wait(3)
    assert [line.split(" after")[0] for line in log.lines()[1:]] == [
        "warning: HTTP 503; retrying (all 100 imports)",
        "responding again",
    ] * 2


def test_faults_that_differ_only_in_numbers_are_one_line(log: Log) -> None:
    """Durations, request IDs and ports make no fault of its own."""
    for number, ref in enumerate(REFS):
        log.fault([ref], f'HTTP 500 "try later" (id 7{number}a); no response within 1{number}s')
    assert log.lines()[1:] == [
        'warning: HTTP 500 "try later" (id 70a); no response within 10s; retrying (all 100 imports)'
    ]


def test_different_faults_of_one_outage_share_a_line(log: Log) -> None:
    """The most frequent fault is quoted."""
    log.fault(REFS[:70], "HTTP 503")
    log.fault(REFS[70:], "no connection")
    assert log.lines()[1:] == ["warning: HTTP 503 (70 times) and other errors; retrying (all 100 imports)"]


def test_the_fault_of_one_import_names_it(log: Log) -> None:
    """Trouble that only one import has says when it is checked again."""
    log.fault(REFS[7:8])
    log.wait(COLLECTING)
    assert log.lines()[1:] == ["warning: HTTP 503; checking again in 1s (imp-7)"]


def test_a_transition_ends_an_outage_without_a_line_of_its_own(log: Log) -> None:
    """A transition already says that LaunchDarkly responds."""
    log.fault(REFS[:1])
    log.wait(COLLECTING)
    transition = Transition(ImportStatus.READY, ImportStatus.IN_PROGRESS, log.at, 4.0, 2.0, expected=True)
    log.receive(Changed(REFS[0], log.at, RUNNING, transition))
    log.wait(5)
    assert log.lines()[2:] == ["ready -> in_progress after 2s (imp-0)"]


def test_a_rate_limit_of_all_imports_is_one_line(log: Log) -> None:
    """The 429s of requests that were under way together are one event."""
    log.receive(*(MetThrottle(ref, log.at, RUNNING, 9.0, 8.0, row) for row, ref in enumerate(REFS, 1)))
    log.wait(COLLECTING)
    log.receive(MetThrottle(REFS[0], log.at, RUNNING, 9.0, 8.0, 101))
    log.wait(COLLECTING)
    assert log.lines()[1:] == [
        "warning: rate limited (429): the API asks to wait 8s; checking again in 9s (all 100 imports)"
    ]


def test_a_rate_limit_that_one_import_meets_delays_all(log: Log) -> None:
    """The line is written at once and gives the number of imports that wait, whichever met the 429."""
    log.end(REFS[99])
    log.receive(MetThrottle(REFS[4], log.at, RUNNING, 9.0, 8.0, 1))
    assert log.lines()[-1].endswith("checking again in 9s (99 of 100 imports)")


def test_a_much_longer_wait_for_a_rate_limit_is_written(log: Log) -> None:
    """A further 429 in a row is written only if its wait is ten seconds longer than the announced one."""
    for row, wait in enumerate((2.0, 3.0, 11.9, 12.0, 21.0, 600.0), 1):
        log.receive(MetThrottle(REFS[row], log.at, RUNNING, wait, wait, row))
        log.wait(wait)
    waits = [re.findall("wait (.+);", line)[0] for line in log.lines()[1:]]
    assert waits == ["2s", "12s", "10m"]


def test_equal_failures_are_one_line(log: Log) -> None:
    """A hundred imports that time out together are explained once, others on their own."""
    for number, ref in enumerate(REFS[:98]):
        log.end(ref, Outcome.TIMEOUT, f"timed out after 1h; last status ready for 1{number}s. Wait.")
    log.end(REFS[98], Outcome.STOPPED, "stopped in LaunchDarkly. Look.")
    log.end(REFS[99], Outcome.STOPPED, "stopped in LaunchDarkly. Look.")
    assert log.lines() == [START]
    log.wait(COLLECTING)
    assert log.lines()[1:] == [
        "error: timed out after 1h; last status ready for 10s. Wait. (98 of 100 imports)",
        "error: stopped in LaunchDarkly. Look. (2 imports: imp-98, imp-99)",
    ]


def test_failures_at_different_statuses_are_one_line_without_a_status(log: Log) -> None:
    """Imports that an outage ends at different statuses share their explanation, but no status."""
    for ref, status in zip(REFS, ("ready", "in_progress", "in_progress"), strict=False):
        message = f"no usable response for 5s: HTTP 502; last status {status} for 4.2s. Check the network."
        at_status = progress((status, 4.2))
        log.receive(Ended(ref, log.at, at_status, Outcome.UNAVAILABLE, message))
    log.wait(COLLECTING)
    assert log.lines()[1:] == [
        "error: no usable response for 5s: HTTP 502. Check the network. (3 imports: imp-0, imp-1, imp-2)",
    ]


def test_successes_are_counted_and_not_repeated(make_log: MakeLog) -> None:
    """A success is the transition that it follows from, and the last one is the summary too."""
    log = make_log(REFS[:2])
    transition = Transition(ImportStatus.IN_PROGRESS, ImportStatus.COMPLETE, log.at, 4.0, 2.0, expected=True)
    log.receive(Changed(REFS[0], log.at, RUNNING, transition))
    ends = [log.end(REFS[0]), log.end(REFS[1], message="complete at the first poll")]
    log.log.finish(ExitCodes().result(ends))
    assert log.lines()[1:] == [
        "in_progress -> complete after 2s; 1 of 2 complete (imp-0)",
        "complete at the first poll; 2 of 2 complete (imp-1)",
    ]


def test_a_quiet_log_has_only_failures_with_whole_targets(make_log: MakeLog) -> None:
    """No line names the shared keys, so every line does."""
    log = make_log(REFS[:2], Level.ERROR)
    log.fault(REFS[:2])
    ends = [log.end(REFS[0]), log.end(REFS[1], Outcome.STOPPED, "stopped. Look.")]
    log.log.finish(ExitCodes().result(ends))
    assert log.lines() == [
        f"error: stopped. Look. ({REFS[1]})",
        "error: 1 of 2 imports complete; exit code 3 (stopped)",
    ]


def test_imports_that_share_no_keys_are_named_in_full(make_log: MakeLog) -> None:
    """Without shared keys there is nothing to leave out."""
    other = ImportRef("p", "e", "s", "i")
    log = make_log([REF, other])
    log.end(other, Outcome.STOPPED, "stopped. Look.")
    log.wait(COLLECTING)
    assert log.lines() == [
        "watching 2 imports until complete, for at most 1h",
        "error: stopped. Look. (p/e/s/i)",
    ]


def test_a_reached_status_is_not_called_complete(make_log: MakeLog) -> None:
    """Imports that succeed at an earlier status are not complete yet."""
    log = make_log(REFS[:2])
    ends = [
        log.end(REFS[0], Outcome.REACHED, "reached ready"),
        log.end(REFS[1], Outcome.STOPPED, "stopped. Look."),
    ]
    log.log.finish(ExitCodes().result(ends))
    assert log.lines()[1:] == [
        "reached ready; 1 of 2 succeeded (imp-0)",
        "error: stopped. Look. (imp-1)",
        "error: 1 of 2 imports succeeded; exit code 3 (stopped)",
    ]
