"""The real program as a process, with its peak memory measured from outside."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.faults import REF, TOKEN
from tests.support.processes import environment

if TYPE_CHECKING:
    from collections.abc import Mapping

# A small process in between, for a child's peak begins with that of the process that started it.
_MEASURE = """
import json, pathlib, resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
pathlib.Path(sys.argv[1]).write_text(json.dumps([code, peak]))
"""
_PEAK_UNITS_PER_MIB = 1 << 20 if sys.platform == "darwin" else 1 << 10
_LONGEST_RUN = 60.0
_UNSAFE = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}

QUICK = ("--min-interval", "50ms", "--max-interval", "200ms", "--timeout", "20s", "--appear-within", "0")
"""Polls fast, and ends by itself whatever becomes of the test."""


@dataclass(frozen=True, slots=True)
class Run:
    """How a run of the program ended.

    Attributes:
        code: Its exit code.
        out: Its standard output.
        err: Its standard error.
        peak: Its peak memory in MiB.
    """

    code: int
    out: str
    err: str
    peak: float

    def check_texts(self) -> None:
        """Checks what must hold of every run: no token, no traceback, nothing that drives a terminal."""
        for text in (self.out, self.err):
            assert TOKEN not in text
            assert "Traceback" not in text
            assert not {c for c in text if unicodedata.category(c) in _UNSAFE} - {"\n"}, text


async def run_program(
    base_uri: str, *options: str, variables: Mapping[str, str] | None = None, target: str = str(REF)
) -> Run:
    """Runs the program to its end.

    Args:
        base_uri: Where the API is.
        options: Further options.
        variables: Further variables of its environment.
        target: The import.

    Returns:
        How it ended.
    """
    with tempfile.TemporaryDirectory() as directory:
        measured = Path(directory, "measured")
        env = environment(base_uri, LD_ACCESS_TOKEN=TOKEN, **(variables or {}))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", "-c", _MEASURE, str(measured)),
            *(sys.executable, "-m", "watcher", target, *QUICK, *options),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=env,
        )
        try:
            async with asyncio.timeout(_LONGEST_RUN):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        code, peak = json.loads(measured.read_bytes())  # noqa: ASYNC240 (a few bytes)
    run = Run(code, out.decode(), err.decode(), peak / _PEAK_UNITS_PER_MIB)
    run.check_texts()
    return run
