"""What a step of GitHub Actions leaves behind, whatever the API says."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import pytest

from tests.support.driving import EPOCH, REF, THROTTLED, Driven, seen
from watcher.core.events import Ended, Progress
from watcher.core.exit_codes import ExitCodes
from watcher.core.messages.progress import Level
from watcher.core.model import ImportRef, Instant
from watcher.core.policy import Policy
from watcher.core.statuses import Outcome
from watcher.reports.github.log import (
    MOST_ANNOTATIONS,
    AnnotatingLog,
    CommandFreeStream,
    workflow_command,
)
from watcher.reports.github.outputs import LIMIT, GithubOutput, GithubSummary
from watcher.reports.json_log import JsonLog
from watcher.reports.plain import PlainLog
from watcher.reports.results import ResultBuilder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HOSTILE = "x]\n##[add-mask]\r::error::%0A EOF\noutcome=complete"


def builder_of(driven: Driven) -> ResultBuilder:
    """What is known after a wait."""
    builder = ResultBuilder(ExitCodes())
    for event in driven.events:
        builder.receive(event)
    return builder


def stopped() -> Driven:
    """A wait whose import LaunchDarkly stops."""
    driven = Driven()
    for status in ("preparing", "in_progress", "stopped"):
        driven.receive(seen(status))
    return driven


def unknown(status: str) -> Driven:
    """A wait that a hostile status ends."""
    driven = Driven(Policy(timeout=5.0))
    driven.receive_until_over(seen(status))
    return driven


def end(outcome: Outcome, number: int = 1, *, left_behind: bool = False) -> Ended:
    """An end of one of several imports."""
    ref = ImportRef("default", "production", "big-spenders", str(number))
    progress = Progress(None, None, 1.0, 1, 0, 0, None, ())
    signal = 2 if outcome is Outcome.INTERRUPTED else None
    return Ended(ref, Instant(1.0, EPOCH), progress, outcome, f"{outcome} it is", signal, left_behind)


def outputs(text: str) -> dict[str, str]:
    """Reads a file of outputs as the runner does."""
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
        folder: Where it is kept.
        codes: Exit codes that the user set.
        any_suffices: Whether one success is enough.
        level: The least that is told.
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
        self._file = self._path.open("w")
        exit_codes = ExitCodes(codes or {})
        stream = CommandFreeStream(self._file)
        plain = PlainLog(stream, level, several=True, quiet=False)
        self._log = AnnotatingLog(plain, stream, exit_codes, any_suffices=any_suffices)
        self._codes = exit_codes

    def tell(self, *ends: Ended) -> list[str]:
        """Tells all ends and gives the lines."""
        for ended in ends:
            self._log.receive(ended)
        self._log.finish(self._codes.finish(ends), ends)
        self._file.close()
        return self._path.read_text("utf-8").splitlines()


def test_outputs_are_the_five_of_the_contract(tmp_path: Path) -> None:
    """Later steps read outcome, status, code, time and the whole result."""
    builder = builder_of(stopped())
    path = tmp_path / "output"
    path.write_text("earlier=1\n")
    GithubOutput(path, builder).finish(builder.finish())
    read = outputs(path.read_text("utf-8").removeprefix("earlier=1\n"))
    assert list(read) == ["outcome", "status", "exit-code", "elapsed-seconds", "result"]
    assert (read["outcome"], read["status"], read["exit-code"]) == ("stopped", "stopped", "3")
    result = json.loads(read["result"])
    assert result["outcome"] == "stopped"
    assert float(read["elapsed-seconds"]) == result["elapsed_s"]


def test_a_status_sets_no_other_output(tmp_path: Path) -> None:
    """Text of the API's never ends its own value."""
    builder = builder_of(unknown(HOSTILE))
    path = tmp_path / "output"
    GithubOutput(path, builder).finish(builder.finish())
    read = outputs(path.read_text("utf-8"))
    assert len(read) == 5
    assert read["outcome"] == "timeout"
    assert "##[add-mask]" in read["status"]


def test_delimiters_are_drawn_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A delimiter that a value contains is not used, and no two are the same."""
    drawn = iter(["stopped", *(f"delimiter-{number}" for number in range(9))])
    monkeypatch.setattr(secrets, "token_hex", lambda _bytes: next(drawn))
    builder = builder_of(stopped())
    path = tmp_path / "output"
    GithubOutput(path, builder).finish(builder.finish())
    assert path.read_text("utf-8").startswith(
        "outcome<<delimiter-0\nstopped\ndelimiter-0\nstatus<<delimiter-1\n"
    )


def test_a_result_that_is_too_large_is_left_out(tmp_path: Path) -> None:
    """The other outputs are there, and a person is told what is not."""
    builder = ResultBuilder(ExitCodes())
    for number in range(2000):
        builder.receive(end(Outcome.COMPLETE, number))
    path = tmp_path / "output"
    with pytest.raises(OSError, match="1 MiB") as caught:
        GithubOutput(path, builder).finish(builder.finish())
    assert caught.value.strerror is not None
    assert list(outputs(path.read_text("utf-8"))) == ["outcome", "status", "exit-code", "elapsed-seconds"]


def test_the_summary_never_outgrows_its_file(tmp_path: Path) -> None:
    """What the step wrote earlier counts, for the runner drops a file that is too large as a whole."""
    builder = ResultBuilder(ExitCodes())
    for number in range(90):
        builder.receive(end(Outcome.STOPPED, number))
    path = tmp_path / "summary"
    path.write_text("x" * (LIMIT - 8000))
    GithubSummary(path, builder).finish(builder.finish())
    assert LIMIT - 8000 < path.stat().st_size <= LIMIT
    assert "Not shown: " in path.read_text("utf-8")
    path.write_text("x" * (LIMIT - 100))
    with pytest.raises(OSError, match="1 MiB"):
        GithubSummary(path, builder).finish(builder.finish())
    assert path.stat().st_size == LIMIT - 100


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (outcome, "warning" if outcome in {Outcome.PENDING, Outcome.INTERRUPTED} else "error")
        for outcome in Outcome
        if outcome not in {Outcome.COMPLETE, Outcome.REACHED}
    ],
)
def test_every_end_but_success_is_annotated(tmp_path: Path, outcome: Outcome, kind: str) -> None:
    """The annotation stands in place of the line, also at level error."""
    lines = Annotated(tmp_path, level=Level.ERROR).tell(end(outcome))
    target = "default/production/big-spenders/1"
    assert lines[0] == f"::{kind} title=LaunchDarkly import%3A {outcome}::{target}: {outcome} it is"
    assert sum(f"{outcome} it is" in line for line in lines) == 1


@pytest.mark.parametrize("outcome", [Outcome.COMPLETE, Outcome.REACHED])
def test_a_success_is_a_line(tmp_path: Path, outcome: Outcome) -> None:
    """Nobody needs to look at it, unless the user gave it a code that fails."""
    assert not any("::" in line for line in Annotated(tmp_path).tell(end(outcome)))
    assert Annotated(tmp_path, codes={outcome: 9}).tell(end(outcome))[0].startswith("::error ")


def test_what_fails_no_step_is_a_warning(tmp_path: Path) -> None:
    """So are a code that the user made 0, and a failure that another import's success makes good."""
    forgiven = Annotated(tmp_path, codes={Outcome.STOPPED: 0}).tell(end(Outcome.STOPPED))
    assert forgiven[0].startswith("::warning ")
    made_good = Annotated(tmp_path, any_suffices=True).tell(end(Outcome.STOPPED, 1), end(Outcome.COMPLETE, 2))
    assert made_good[0].startswith("::warning ")


def test_what_another_import_ended_is_a_line(tmp_path: Path) -> None:
    """Imports that --fail-fast leaves behind are no news."""
    lines = Annotated(tmp_path).tell(end(Outcome.STOPPED, 1), end(Outcome.PENDING, 2, left_behind=True))
    assert [line.startswith("::") for line in lines] == [True, False, False]


def test_many_failures_leave_room_for_the_one_that_counts_them(tmp_path: Path) -> None:
    """GitHub shows ten annotations of a kind; the rest are lines, and one annotation says how many."""
    lines = Annotated(tmp_path).tell(*(end(Outcome.STOPPED, number) for number in range(30)))
    annotations = [line for line in lines if line.startswith("::")]
    assert len(annotations) == MOST_ANNOTATIONS + 1 < 10
    assert annotations[-1] == (
        "::error title=LaunchDarkly imports::22 more did not succeed; the log names them"
    )
    assert len(lines) == 30 + 2


def test_commands_are_escaped() -> None:
    """No value ends its property, the command or the line, and a percent sign stays one."""
    command = workflow_command("error", {"title": "a:b,c%\r\n"}, "50%: x,\r\n::warning::y")
    assert command == "::error title=a%3Ab%2Cc%25%0D%0A::50%25: x,%0D%0A::warning::y"


def test_no_line_hides_a_command_of_the_older_kind(tmp_path: Path) -> None:
    """The runner looks for it anywhere in a line; JSON still means the same."""
    path = tmp_path / "stderr"
    with path.open("w") as file:
        stream = CommandFreeStream(file)
        plain = PlainLog(stream, Level.INFO, several=False, quiet=False)
        as_json = JsonLog(stream, Level.INFO, ExitCodes())
        for event in unknown(HOSTILE).events:
            plain.receive(event)
            as_json.receive(event)
    text = path.read_text("utf-8")
    assert "##[" not in text
    assert "##\\u005badd-mask]" in text
    parsed = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert any("##[add-mask]" in str(event.get("status")) for event in parsed)


def test_the_summary_of_throttles_counts_them(tmp_path: Path) -> None:
    """The table tells what slowed the wait down."""
    driven = Driven()
    driven.receive(seen("preparing"))
    driven.receive(THROTTLED)
    driven.receive(seen("complete"))
    builder = builder_of(driven)
    path = tmp_path / "summary"
    GithubSummary(path, builder).finish(builder.finish())
    assert f"| <code>{REF}</code> | complete | <code>complete</code> |" in path.read_text("utf-8")
    assert path.read_text("utf-8").splitlines()[4].endswith("| 3 | 1 | 0 |")
