"""nginx on loopback answers for LaunchDarkly, faster than any client here can ask."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOOPBACK = "127.0.0.1"
START_PATIENCE = 10.0
"""Seconds within which nginx must listen."""

LATER_STATUSES = ("ready", "in_progress", "complete")
"""What can be shown, in this order, in place of the status that an import's environment names."""

# The headers are those of LaunchDarkly, with windows of ten seconds in which plenty is left: reading them is
# part of a poll.
_CONFIGURATION = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  default_type application/json;
  keepalive_requests 1000000000;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  map $msec $window_end {{ "~^(?<tens>\\d+)\\d\\." "${{tens}}9999"; }}
  server {{
    listen {host}:{port};
    add_header X-Ratelimit-Global-Remaining 1000000 always;
    add_header X-Ratelimit-Route-Remaining 1000000 always;
    add_header X-Ratelimit-Reset $window_end always;
    location = /requests {{ stub_status; }}
    location ~ "^/api/v2/segments/[^/]+/missing/" {{
      return 404 '{{"code":"not_found","message":"Not found"}}';
    }}
    location ~ "^/api/v2/segments/[^/]+/(?<environment>[^/]+)/(?<segment>[^/]+)/imports/(?<id>[^/]+)$" {{
      set $shown $environment;
      {later}
      return 200 '{{"id":"$id","segmentKey":"$segment","creationTime":1654104600000,"mode":"replace",
        "status":"$shown","files":[{{"filename":"bigsegimport.csv","status":"$shown"}}],
        "_links":{{"_parent":{{"href":"/api/v2/segments/default/$environment/$segment",
        "type":"application/json"}},"_self":{{"href":"$uri","type":"application/json"}}}}}}';
    }}
  }}
}}
"""

_LATER = "if (-f {directory}/{status}) {{ set $shown {status}; }}"


@dataclass(frozen=True, slots=True)
class Server:
    """An nginx that answers.

    Attributes:
        base_uri: Where.
        directory: What is its own.
    """

    base_uri: str
    directory: Path

    def show(self, status: str) -> None:
        """Gives all imports another status.

        Args:
            status: One of the later statuses, in their order.
        """
        (self.directory / status).touch()

    def show_the_named(self) -> None:
        """Gives each import the status again that its environment's key is."""
        for status in LATER_STATUSES:
            (self.directory / status).unlink(missing_ok=True)

    def requests(self) -> int:
        """Tells how many requests were answered, those that ask for this number included."""
        with urllib.request.urlopen(f"{self.base_uri}/requests", timeout=10) as response:  # noqa: S310 (loopback)
            counters = re.search(r"\n\s*\d+\s+\d+\s+(\d+)", response.read().decode("ascii"))
        assert counters is not None
        return int(counters[1])


@contextmanager
def serving(directory: Path) -> Iterator[Server]:
    """Runs nginx.

    Args:
        directory: An empty directory for what nginx writes.

    Yields:
        The server.

    Raises:
        RuntimeError: nginx is not installed, or does not start.
    """
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    program = shutil.which("nginx", path=places)
    if program is None:
        raise RuntimeError("nginx is not installed; the system's package of that name will do")
    with socket.create_server((LOOPBACK, 0)) as reserved:
        port = reserved.getsockname()[1]
    later = "\n      ".join(_LATER.format(directory=directory, status=status) for status in LATER_STATUSES)
    configuration = directory / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(directory=directory, host=LOOPBACK, port=port, later=later),
        encoding="ascii",
    )
    errors = directory / "error.log"
    process = subprocess.Popen([program, "-p", str(directory), "-c", str(configuration), "-e", str(errors)])
    try:
        _wait_until_it_listens(process, port, errors)
        yield Server(f"http://{LOOPBACK}:{port}", directory)
    finally:
        process.terminate()
        process.wait()


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, errors: Path) -> None:
    latest = time.monotonic() + START_PATIENCE
    while process.poll() is None and time.monotonic() < latest:
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"nginx does not listen: {errors.read_text('utf-8')}")
