"""A real nginx on loopback for tests and benchmarks."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.fault_server import LOOPBACK, unlistened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = shutil.which(
    "nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
)
"""The path of nginx; None if it is not installed."""

START_TIMEOUT = 10.0

_CONFIGURATION = """
daemon off;
master_process off;
pid nginx.pid;
events {{ worker_connections 1024; }}
http {{
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  {http}
  server {{
    listen {host}:{port};
    {server}
  }}
}}
"""


@contextmanager
def running_nginx(directory: Path, *, http: str, server: str) -> Iterator[str]:
    """Run nginx while the context lasts.

    Args:
        directory: A directory for its files.
        http: Directives for the block `http`.
        server: Directives for the block `server`.

    Yields:
        The base URI. It is listening.

    Raises:
        RuntimeError: nginx is not installed, or does not start.
    """
    if PROGRAM is None:
        raise RuntimeError("nginx is not installed; install your system's package nginx")
    with unlistened() as bound:
        port = bound.getsockname()[1]
    configuration, errors = directory / "nginx.conf", directory / "error.log"
    configuration.write_text(
        _CONFIGURATION.format(http=http, server=server, host=LOOPBACK, port=port), encoding="ascii"
    )
    process = subprocess.Popen([PROGRAM, "-p", directory, "-c", configuration, "-e", errors])
    try:
        _wait_until_listening(process, port, errors)
        yield f"http://{LOOPBACK}:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, errors: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"nginx does not listen: {errors.read_text('utf-8')}")
