"""An interpreter with the program's imports done, which forks a process for each start.

Most of the time of a start is imports. A forked process executes the same ``__main__`` and the same exit as
``python -m watcher``, with its own arguments, environment, working directory and standard streams.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import socket
import struct
import sys
import threading
import time
from contextlib import suppress
from typing import Final

NUMBER: Final = struct.Struct("!i")
_PACKAGES: Final = ("watcher.api", "watcher.cli", "watcher.core", "watcher.reports", "watcher.state")


def _import_program() -> None:
    """Import what the command may import; no module may start a thread."""
    for package in map(importlib.import_module, _PACKAGES):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)


def _serve(control: socket.socket) -> socket.socket | None:
    """Fork until the tests end; return None then, and in each forked process its connection to the test."""
    running: dict[int, tuple[int, socket.socket]] = {}
    poll = select.poll()
    poll.register(control, select.POLLIN)
    while True:
        for ready, _ in poll.poll():
            if ready != control.fileno():
                poll.unregister(ready)
                os.close(ready)
                pid, client = running.pop(ready)
                _, status = os.waitpid(pid, 0)
                with client, suppress(BrokenPipeError):  # the test has given up
                    client.sendall(NUMBER.pack(os.waitstatus_to_exitcode(status)))
                continue
            message, descriptors, _, _ = socket.recv_fds(control, 1, 4)
            if not message:
                return None
            *streams, connection = descriptors
            client = socket.socket(fileno=connection)
            if (pid := os.fork()) == 0:
                control.close()
                for pidfd, (_, other) in running.items():
                    os.close(pidfd)
                    other.close()
                for number, descriptor in enumerate(streams):
                    os.dup2(descriptor, number)
                    os.close(descriptor)
                return client
            for descriptor in streams:
                os.close(descriptor)
            pidfd = os.pidfd_open(pid)
            running[pidfd] = pid, client
            poll.register(pidfd, select.POLLIN)


def _become(client: socket.socket) -> None:
    """Take the arguments, environment and working directory of the start, and new standard streams."""
    with client, client.makefile(encoding="ascii") as stream:
        client.sendall(NUMBER.pack(os.getpid()))
        arguments, variables, directory = json.loads(stream.readline())
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()
    os.chdir(directory)
    sys.path[0] = directory
    sys.argv[1:] = arguments
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        old = getattr(sys, name)
        new = open(  # noqa: SIM115 (a descriptor, open until the exit)
            number,
            "w" if number else "r",
            encoding=old.encoding,
            errors=old.errors,
            closefd=False,
        )
        if number and (number == 2 or new.isatty()):
            new.reconfigure(line_buffering=True)
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)


def _exit(code: object) -> None:
    """End as Python does, but without freeing all objects, which would take most of the time of a run."""
    if isinstance(code, int) and threading.active_count() == 1:
        atexit._run_exitfuncs()  # noqa: SLF001 (as the exit of Python)
        with suppress(OSError):  # which Python reports
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


if __name__ == "__main__":
    _import_program()
    gc.freeze()  # the program does so after its imports
    if (connection := _serve(socket.socket(fileno=int(sys.argv[1])))) is not None:
        _become(connection)
        try:
            runpy.run_module("watcher", run_name="__main__", alter_sys=True)
        except SystemExit as ended:
            _exit(ended.code)
            raise
