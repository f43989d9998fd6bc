"""The program as a process whose peak memory is measured."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.faults import REF
from tests.support.processes import TOKEN, Finished, environment

if TYPE_CHECKING:
    from collections.abc import Mapping

# Started by a small process, because the peak of a child starts with that of its parent.
_MEASURE = """
import json, pathlib, resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
pathlib.Path(sys.argv[1]).write_text(json.dumps([code, peak]))
"""
_PEAK_UNITS_PER_MIB = 1 << 20 if sys.platform == "darwin" else 1 << 10
_RUN_TIMEOUT = 60.0
_UNSAFE = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}

QUICK = ("--min-interval", "50ms", "--max-interval", "200ms", "--timeout", "20s", "--appear-within", "0")
"""Options that poll fast and limit the time of a run."""


@dataclass(frozen=True, slots=True)
class Run(Finished):
    """The exit code, the output and the peak memory (in MiB) of a process."""

    peak: float

    def check_texts(self) -> None:
        """Check that the output has no token, no traceback and no control characters."""
        for text in (self.out, self.err):
            assert TOKEN not in text
            assert "Traceback" not in text
            assert not {c for c in text if unicodedata.category(c) in _UNSAFE} - {"\n"}, text


async def run_program(
    base_uri: str, *options: str, variables: Mapping[str, str] | None = None, target: str = str(REF)
) -> Run:
    """Run the program until it exits, and check its output.

    Args:
        base_uri: The base URI of the API.
        options: Further options.
        variables: Further environment variables.
        target: The import.

    Returns:
        The finished run.
    """
    with tempfile.TemporaryDirectory() as directory:
        measured = Path(directory, "measured")
        env = environment(base_uri, **(variables or {}))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", "-c", _MEASURE, str(measured)),
            *(sys.executable, "-m", "watcher", target, *QUICK, *options),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=env,
        )
        try:
            async with asyncio.timeout(_RUN_TIMEOUT):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        code, peak = json.loads(measured.read_bytes())  # noqa: ASYNC240 (a few bytes)
    run = Run(code, out.decode(), err.decode(), peak / _PEAK_UNITS_PER_MIB)
    run.check_texts()
    return run
