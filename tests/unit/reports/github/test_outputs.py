"""Tests of outputs and annotations of a GitHub Actions step, with hostile text from the API."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.driving import EPOCH, REF, THROTTLED, Driven, seen
from tests.support.logs import log_of
from tests.support.results import NOTHING_WATCHED, builder_of
from watcher.core.events import Ended, Progress
from watcher.core.exit_codes import ExitCodes
from watcher.core.messages.progress import Level
from watcher.core.model import ImportRef, Instant
from watcher.core.policy import Policy
from watcher.core.statuses import Outcome
from watcher.reports.github.log import (
    MAX_ANNOTATIONS,
    AnnotationWriter,
    annotation,
)
from watcher.reports.github.outputs import LIMIT, GithubOutput, GithubSummary
from watcher.reports.json_log import JsonLog
from watcher.reports.lines import LineWriter
from watcher.reports.results import ResultBuilder
from watcher.reports.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HOSTILE = "x]\n##[add-mask]\r::error::%0A EOF\noutcome=complete"


def stopped() -> Driven:
    """Return a wait whose import LaunchDarkly stops."""
    driven = Driven()
    for status in ("preparing", "in_progress", "stopped"):
        driven.receive(seen(status))
    return driven


def unknown(status: str) -> Driven:
    """Return a wait that times out with a hostile status."""
    driven = Driven(Policy(timeout=5.0))
    driven.receive_until_over(seen(status))
    return driven


def end(outcome: Outcome, number: int = 1, *, left_behind: bool = False) -> Ended:
    """Return the outcome of one of several imports."""
    ref = ImportRef("default", "production", "big-spenders", str(number))
    progress = Progress(None, None, 1.0, 1, 0, 0, None, ())
    signal = 2 if outcome is Outcome.INTERRUPTED else None
    return Ended(ref, Instant(1.0, EPOCH), progress, outcome, f"{outcome} it is", signal, left_behind)


def outputs(text: str) -> dict[str, str]:
    """Parse a file of outputs like the runner."""
    read: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if line:
            name, delimiter = line.split("<<")
            value = []
            while (part := next(lines)) != delimiter:
                value.append(part)
            read[name] = "\n".join(value)
    return read


class Annotated:
    """Standard error of a step.

    Args:
        folder: The directory of the file in its place.
        codes: Exit codes that the user set.
        any_suffices: Whether one success is enough.
        level: The minimum level.
    """

    def __init__(
        self,
        folder: Path,
        *,
        codes: Mapping[Outcome, int] | None = None,
        any_suffices: bool = False,
        level: Level = Level.INFO,
    ) -> None:
        self._path = folder / "stderr"
        self._codes = ExitCodes(codes or {})
        self._any_suffices = any_suffices
        self._level = level

    def lines(self, *ends: Ended) -> list[str]:
        """Return what a log writes about these outcomes and their result."""
        with self._path.open("w") as file:
            stream = Stream(file)
            lines = AnnotationWriter(stream, self._level, self._codes, any_suffices=self._any_suffices)
            log = log_of(lines, several=len(ends) > 1)
            for ended in ends:
                log.receive(ended)
            nothing = replace(NOTHING_WATCHED, code=self._codes.code(Outcome.USAGE))
            log.finish(self._codes.result(ends) if ends else nothing)
        return self._path.read_text("utf-8").splitlines()


def test_outputs_are_the_five_of_the_contract(tmp_path: Path) -> None:
    """Later steps read outcome, status, exit code, time and the JSON result."""
    builder = builder_of(stopped().events)
    path = tmp_path / "output"
    path.write_text("earlier=1\n")
    GithubOutput(path, builder).finish(builder.result())
    read = outputs(path.read_text("utf-8").removeprefix("earlier=1\n"))
    assert list(read) == ["outcome", "status", "exit-code", "elapsed-seconds", "result"]
    assert (read["outcome"], read["status"], read["exit-code"]) == ("stopped", "stopped", "3")
    result = json.loads(read["result"])
    assert result["outcome"] == "stopped"
    assert float(read["elapsed-seconds"]) == result["elapsed_s"]


def test_a_status_sets_no_other_output(tmp_path: Path) -> None:
    """Text from the API cannot end its value."""
    builder = builder_of(unknown(HOSTILE).events)
    path = tmp_path / "output"
    GithubOutput(path, builder).finish(builder.result())
    read = outputs(path.read_text("utf-8"))
    assert len(read) == 5
    assert read["outcome"] == "timeout"
    assert "##\\u005badd-mask]" in read["status"]


def test_each_output_has_a_delimiter_of_its_own(tmp_path: Path) -> None:
    """A value cannot contain a delimiter that is drawn after it."""
    builder = builder_of(stopped().events)
    path = tmp_path / "output"
    GithubOutput(path, builder).finish(builder.result())
    delimiters = re.findall(r"<<([0-9a-f]{32})\n", path.read_text("utf-8"))
    assert len(set(delimiters)) == 5


def test_a_result_that_is_too_large_is_left_out(tmp_path: Path) -> None:
    """The other outputs are written, and the error names the missing one."""
    builder = ResultBuilder(ExitCodes())
    for number in range(2000):
        builder.receive(end(Outcome.COMPLETE, number))
    path = tmp_path / "output"
    with pytest.raises(OSError, match="1 MiB") as caught:
        GithubOutput(path, builder).finish(builder.result())
    assert caught.value.strerror is not None
    assert list(outputs(path.read_text("utf-8"))) == ["outcome", "status", "exit-code", "elapsed-seconds"]


def test_a_run_that_watched_nothing_has_outputs_and_an_annotation(tmp_path: Path) -> None:
    """A usage error is one annotation; there is nothing to summarize."""
    assert Annotated(tmp_path).lines() == [
        "::error title=watcher%3A usage::watcher: a/100%25 is not a target"
    ]
    output, summary = tmp_path / "output", tmp_path / "summary"
    GithubOutput(output, builder_of()).finish(NOTHING_WATCHED)
    GithubSummary(summary, builder_of()).finish(NOTHING_WATCHED)
    read = outputs(output.read_text("utf-8"))
    assert (read["outcome"], read["status"], read["exit-code"]) == ("usage", "", "2")
    assert json.loads(read["result"])["message"] == NOTHING_WATCHED.message
    assert not summary.exists()


def test_the_summary_never_exceeds_the_limit(tmp_path: Path) -> None:
    """Earlier content counts, because the runner drops a file that is too large."""
    builder = ResultBuilder(ExitCodes())
    for number in range(90):
        builder.receive(end(Outcome.STOPPED, number))
    path = tmp_path / "summary"
    path.write_text("x" * (LIMIT - 100))
    with pytest.raises(OSError, match="1 MiB"):
        GithubSummary(path, builder).finish(builder.result())
    assert path.stat().st_size == LIMIT - 100


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (outcome, "warning" if outcome in {Outcome.PENDING, Outcome.INTERRUPTED} else "error")
        for outcome in Outcome
        if outcome not in {Outcome.COMPLETE, Outcome.REACHED}
    ],
)
def test_every_outcome_but_success_is_annotated(tmp_path: Path, outcome: Outcome, kind: str) -> None:
    """The annotation replaces the line, also at level error."""
    lines = Annotated(tmp_path, level=Level.ERROR).lines(end(outcome))
    target = "default/production/big-spenders/1"
    assert lines[0] == f"::{kind} title=LaunchDarkly import%3A {outcome}::{outcome} it is ({target})"
    assert sum(f"{outcome} it is" in line for line in lines) == 1


@pytest.mark.parametrize("outcome", [Outcome.COMPLETE, Outcome.REACHED])
def test_a_success_is_a_line(tmp_path: Path, outcome: Outcome) -> None:
    """A success needs no attention, unless the user gave it an error code."""
    assert not any("::" in line for line in Annotated(tmp_path).lines(end(outcome)))
    assert Annotated(tmp_path, codes={outcome: 9}).lines(end(outcome))[0].startswith("::error ")


def test_a_failure_that_fails_no_step_is_a_warning(tmp_path: Path) -> None:
    """The user gave the outcome code 0, or the success of another import is enough."""
    forgiven = Annotated(tmp_path, codes={Outcome.STOPPED: 0}).lines(end(Outcome.STOPPED))
    assert forgiven[0].startswith("::warning ")
    assert Annotated(tmp_path, codes={Outcome.USAGE: 0}).lines()[0].startswith("::warning ")
    made_good = Annotated(tmp_path, any_suffices=True).lines(
        end(Outcome.STOPPED, 1), end(Outcome.COMPLETE, 2)
    )
    assert made_good[0].startswith("::warning ")


def test_an_import_left_behind_is_a_line(tmp_path: Path) -> None:
    """Imports that ``--fail-fast`` leaves behind did not fail."""
    lines = Annotated(tmp_path).lines(end(Outcome.STOPPED, 1), end(Outcome.PENDING, 2, left_behind=True))
    assert [line.startswith("::") for line in lines] == [True, False, False]


def test_many_failures_are_counted_by_one_annotation(tmp_path: Path) -> None:
    """GitHub shows ten annotations of a kind; the other failures are lines."""
    lines = Annotated(tmp_path).lines(*(end(Outcome.STOPPED, number) for number in range(30)))
    annotations = [line for line in lines if line.startswith("::")]
    assert len(annotations) == MAX_ANNOTATIONS + 1 < 10
    assert annotations[-1] == ("::error title=LaunchDarkly imports::22 more did not succeed. See the log.")
    assert len(lines) == 30 + 2


def test_commands_are_escaped() -> None:
    """No value ends its property, the command or the line."""
    command = annotation("error", "a:b,c%\r\n", "50%: x,\r\n::warning::y")
    assert command == "::error title=a%3Ab%2Cc%25%0D%0A::50%25: x,%0D%0A::warning::y"


def test_no_line_contains_a_command_of_the_older_kind(tmp_path: Path) -> None:
    """The runner looks for ``##[`` anywhere in a line."""
    path = tmp_path / "stderr"
    with path.open("w") as file:
        stream = Stream(file)
        plain = log_of(LineWriter(stream, Level.INFO))
        as_json = JsonLog(stream, Level.INFO, ExitCodes())
        for event in unknown(HOSTILE).events:
            plain.receive(event)
            as_json.receive(event)
    text = path.read_text("utf-8")
    assert "##[" not in text
    assert "##\\u005badd-mask]" in text
    parsed = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert any("##\\u005badd-mask]" in str(event.get("status")) for event in parsed)


def test_the_summary_counts_throttles(tmp_path: Path) -> None:
    """The table shows what slowed the wait down."""
    driven = Driven()
    driven.receive(seen("preparing"))
    driven.receive(THROTTLED)
    driven.receive(seen("complete"))
    builder = builder_of(driven.events)
    path = tmp_path / "summary"
    GithubSummary(path, builder).finish(builder.result())
    assert f"| <code>{REF}</code> | complete | <code>complete</code> |" in path.read_text("utf-8")
    assert path.read_text("utf-8").splitlines()[4].endswith("| 3 | 1 | 0 |")
