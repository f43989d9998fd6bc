"""Start the program in a process that a fork server makes, in a fifth of the time."""

from __future__ import annotations

import atexit
import json
import os
import select
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.support.fork_server import NUMBER
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

_READ_AT_START: Final = ("PYTHON", "LC_", "LANG", "SSL", "OPENSSL", "AIOHTTP")
"""Prefixes of variables that Python and the libraries read only once."""
_MEASURED: Final = "COVERAGE"
_control_lock = threading.Lock()


def can_fork(env: Mapping[str, str]) -> bool:
    """Return whether a forked process is like a new one, and coverage need not measure it."""
    is_measured = any(name.startswith(_MEASURED) for name in os.environ)
    return hasattr(os, "pidfd_open") and not is_measured and _read_at_start(env) == _read_at_start(os.environ)


class ForkedProcess(subprocess.Popen[str]):
    """A process of the program, which the fork server starts and waits for."""

    _connection: socket.socket

    def __init__(self, *arguments: str, env: Mapping[str, str], cwd: Path | None) -> None:
        """Start the program with pipes as its standard streams."""
        super().__init__(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
            cwd=cwd,
        )

    def _execute_child(self, *given: object) -> None:
        """Start the child, in place of the fork and exec of the standard library."""
        arguments, cwd, env = given[0], given[5] or Path.cwd(), given[6]
        pipes = [end for end in given[10:16] if isinstance(end, int)]
        self._connection, theirs = socket.socketpair()
        with theirs, _control_lock:
            socket.send_fds(_control(), [b"f"], [pipes[0], pipes[3], pipes[5], theirs.fileno()])
        self._connection.sendall(f"{json.dumps([arguments, env, str(cwd)])}\n".encode())
        self.pid = self._receive()
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined] # as the method that this one replaces

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the fork server says how the process ended."""
        if self.returncode is None:
            if not select.select([self._connection], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = self._receive()
            self._connection.close()
        return self.returncode

    def poll(self) -> int | None:
        """Return the exit code if the process has ended."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def _receive(self) -> int:
        number = self._connection.recv(NUMBER.size, socket.MSG_WAITALL)
        return int(NUMBER.unpack(number)[0])


@cache
def _control() -> socket.socket:
    """Start the fork server, which ends when the connection is closed, and return the connection."""
    ours, theirs = socket.socketpair()
    with theirs:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.support.fork_server", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            cwd=ROOT,
        )
    atexit.register(server.wait)
    atexit.register(ours.close)
    return ours


def _read_at_start(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(_READ_AT_START)}
