"""Two shell loops that wait for an import, and a function that runs them and watcher."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.support.processes import environment

if TYPE_CHECKING:
    from tests.support.processes import Simulator

FOLDER: Final = Path(__file__).parent
SCENARIOS: Final = ("stopped", "approval", "vanish", "revoked", "throttled", "flaky")

WAITERS: Final = {
    "until.sh": [str(FOLDER / "until.sh")],
    "fifteen.sh": [str(FOLDER / "fifteen.sh")],
    "watcher": [sys.executable, "-m", "watcher", "--fail-on", "pending_approval"],
}
"""The commands to compare; each gets the import's URL as its last argument."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended.

    Attributes:
        code: The exit code; None if the command had to be stopped.
        seconds: How long it ran.
        errors: Its standard error.
    """

    code: int | None
    seconds: float
    errors: str

    def __str__(self) -> str:
        """Return the words of the README's table."""
        if self.code is None:
            return "never ends"
        return f"exit code {self.code}"


def run_waiter(
    name: str, scenario: str, simulator: Simulator, folder: Path, *, limit: float, path: str | None = None
) -> Ending:
    """Create an import and run a command that waits for it.

    Args:
        name: A key of `WAITERS`.
        scenario: The simulator's scenario, or ``revoked``: the token is rejected after the creation.
        simulator: The simulator.
        folder: The working directory.
        limit: Seconds until the command is stopped; the timeout of the loop that has one is half of it.
        path: A directory of programs that come first in PATH.

    Returns:
        How the command ended.
    """
    url = simulator.create(wait_on_approvals=scenario == "approval")
    env = environment(simulator.base_uri, TIMEOUT=f"{limit / 2:.0f}")
    if scenario == "revoked":
        env["LD_ACCESS_TOKEN"] = f"unauthorized-{env['LD_ACCESS_TOKEN']}"
    if path is not None:
        env["PATH"] = f"{path}{os.pathsep}{env['PATH']}"
    started = time.monotonic()
    with subprocess.Popen(
        [*WAITERS[name], url],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=env,
        start_new_session=True,
    ) as process:
        code: int | None
        try:
            _, errors = process.communicate(timeout=limit)
            code = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            _, errors = process.communicate()
            code = None
        return Ending(code, time.monotonic() - started, errors)
