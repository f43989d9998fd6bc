"""Tests of the fault table with the real program: exit codes, standard error and memory."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.support.fault_bodies import ALL_FAULTS, HOSTILE
from tests.support.fault_program import Run, run_program
from tests.support.fault_server import Play, Send, playing, unlistened
from tests.support.faults import COMPLETE, HTML, IN_PROGRESS, PAGE, FaultCase, answer, import_body
from watcher.core.answers.replies import FaultKind
from watcher.core.statuses import Outcome

MEMORY_LIMIT = 150
CODES = {Outcome.UNAVAILABLE: 75, Outcome.PROTOCOL: 6, Outcome.UNAUTHORIZED: 4, Outcome.NOT_FOUND: 5}
CONNECTION = {
    "closed before the first byte",
    "silence before the first byte",
    "502 page",
}
PARSING = {
    "a bad chunk size",
    "a bad chunk size after a good one",
    "a body of 80 MB",
}
ANSWERS = {
    "204",
    "302 to a login page",
    "a login page",
    "lists 100 000 deep",
    "a bomb of 500 MiB",
    "an endless body",
    "endless headers",
}


def lines(names: set[str]) -> list[FaultCase]:
    """Return the lines of the table with these names."""
    found = [fault for fault in ALL_FAULTS if fault.name in names]
    assert {fault.name for fault in found} == names
    return found


def name_of(fault: FaultCase) -> str:
    """Return the name of a test."""
    return fault.name


LASTING = lines(CONNECTION | PARSING | ANSWERS)
PASSING = lines(CONNECTION)
PARSED_IN_PYTHON = lines(PARSING)


async def last(fault: FaultCase) -> Run:
    """Run the program against a permanent fault, with JSON on both streams."""
    async with playing(fault.play) as server:
        options = ("--outage-budget", "600ms", "--request-timeout", "500ms", "--output", "jsonl")
        return await run_program(server.base_uri, *options, "--log-format", "json")


async def last_in_python(fault: FaultCase) -> Run:
    """Run the program without aiohttp's compiled parser, as on platforms without wheels."""
    async with playing(fault.play) as server:
        options = ("--outage-budget", "300ms", "--request-timeout", "400ms")
        return await run_program(server.base_uri, *options, variables={"AIOHTTP_NO_EXTENSIONS": "1"})


async def passing(fault: FaultCase) -> Run:
    """Run the program against an import that is in progress, then hidden by the fault, then complete."""
    faults = [fault.play] * (2 if isinstance(fault.expected, FaultKind) else 1)
    async with playing(IN_PROGRESS, *faults, COMPLETE) as server:
        timeout = "800ms" if fault.times_out else "10s"
        return await run_program(server.base_uri, "--outage-budget", "15s", "--request-timeout", timeout)


@pytest.mark.parametrize("fault", LASTING, ids=name_of)
def test_a_permanent_fault(fault: FaultCase) -> None:
    """A permanent fault ends with the exit code of its kind, needs little memory, and every line is JSON."""
    run = asyncio.run(last(fault))
    assert run.code == CODES[fault.lasting_outcome], run.err
    assert run.peak < MEMORY_LIMIT
    for line in (run.out + run.err).splitlines():
        assert isinstance(json.loads(line), dict)
    result = json.loads(run.out.splitlines()[-1])
    assert (result["event"], result["exit_code"]) == ("result", run.code)


@pytest.mark.parametrize("fault", PARSED_IN_PYTHON, ids=name_of)
def test_a_permanent_fault_without_compiled_parser(fault: FaultCase) -> None:
    """With the parser in Python the kind of fault may differ, but the program does not crash."""
    run = asyncio.run(last_in_python(fault))
    assert run.code in CODES.values(), run.err
    assert run.peak < MEMORY_LIMIT


@pytest.mark.parametrize("fault", PASSING, ids=name_of)
def test_a_temporary_fault(fault: FaultCase) -> None:
    """After a temporary fault the exit code is 0, with one line of result."""
    run = asyncio.run(passing(fault))
    assert run.code == 0, run.err
    assert len(run.out.splitlines()) == 1
    assert run.peak < MEMORY_LIMIT


def test_a_refused_connection() -> None:
    """A refused connection is 75 after the outage budget, and the message names the next step."""
    with unlistened() as bound:
        base_uri = f"http://127.0.0.1:{bound.getsockname()[1]}"
        run = asyncio.run(run_program(base_uri, "--outage-budget", "300ms"))
    assert run.code == 75
    assert "connection refused" in run.err
    assert "Check the base URI" in run.err


HOSTILE_SCRIPT = (
    Play((Send(answer(import_body(status=HOSTILE, mode=HOSTILE))),)),
    Play((Send(answer(import_body(files=[{"filename": HOSTILE, "status": HOSTILE}] * 3))),)),
    Play((Send(answer(json.dumps({"code": HOSTILE, "message": HOSTILE}).encode(), status="502 x")),)),
    Play((Send(answer(PAGE, "Content-Type: text/\x9b31m\x1b[31m")),)),
    Play((Send(answer(PAGE, HTML, "Location: /\x9b\x1b[31m", status="302 x")),)),
    Play((Send(answer(json.dumps({"code": HOSTILE, "message": HOSTILE}).encode(), status="401 x")),)),
)


@pytest.mark.parametrize(
    ("output", "log_format"), [("text", "console"), ("json", "json"), ("jsonl", "console")]
)
def test_hostile_text(output: str, log_format: str) -> None:
    """No field of a response can control the terminal or forge a line."""

    async def run() -> Run:
        async with playing(*HOSTILE_SCRIPT) as server:
            return await run_program(server.base_uri, "--output", output, "--log-format", log_format)

    ended = asyncio.run(run())
    assert ended.code == 4, ended.err
    assert "red" in ended.err
    if log_format == "json":
        assert all(isinstance(json.loads(line), dict) for line in ended.err.splitlines())
