"""Real squid, tinyproxy, mitmproxy and nginx on loopback, which a test can stop and start again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.support import nginx
from tests.support.fault_server import LOOPBACK, unlistened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

NAME = "0.0.0.0"  # noqa: S104 (nothing listens there)
"""A host that leads to loopback, but is no loopback address, which would never be reached by a proxy."""

SQUIDS_NAME = "ld.test"
"""A host name that squid alone knows."""

USER, PASSWORD = "somebody", "right-word"

_SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
SQUID = shutil.which("squid", path=_SYSTEM_PATH)
TINYPROXY = shutil.which("tinyproxy", path=_SYSTEM_PATH)
MITMDUMP = shutil.which(os.environ.get("MITMDUMP") or "mitmdump")
"""The program of mitmproxy; `MITMDUMP` names it where it is in a virtual environment of its own."""

_START_TIMEOUT = 30.0
_POLL = 0.02

_SQUID = """
http_port {host}:{port}
{listen}
pid_filename none
cache_log {directory}/cache.log
access_log stdio:{directory}/access.log
cache deny all
shutdown_lifetime 0 seconds
hosts_file {directory}/hosts
auth_param basic program {directory}/check-password
auth_param basic children 1
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
"""
_CHECK_PASSWORD = """#!/bin/sh
while read -r line; do
  if [ "$line" = "{user} {password}" ]; then echo OK; else echo ERR; fi
done
"""
_TINYPROXY = """
Port {port}
Listen {host}
Timeout 600
MaxClients 20
LogFile "{directory}/access.log"
LogLevel Connect
BasicAuth {user} {password}
"""
_NGINX = """
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
  access_log access.log;
  server {{
    listen {host}:{port} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {certificate};
    location / {{ {location} }}
  }}
}}
"""


@dataclass(slots=True)
class Program:
    """A server program that listens on one port.

    Attributes:
        command: Its command line; it must stay in the foreground.
        directory: Its files.
        port: Its port on loopback.
    """

    command: Sequence[str]
    directory: Path
    port: int
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it and wait until it listens.

        Raises:
            RuntimeError: It does not.
        """
        with (self.directory / "output").open("ab") as output:
            self._process = subprocess.Popen(
                self.command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        deadline = time.monotonic() + _START_TIMEOUT
        while self._process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex((LOOPBACK, self.port)) == 0:
                    return
            time.sleep(_POLL)
        raise RuntimeError(f"{self.command[0]} does not listen: {(self.directory / 'output').read_text()}")

    def stop(self) -> None:
        """Kill it, as in a crash, and wait until it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Let it hang: connections are still accepted by the system."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def log(self) -> str:
        """Return its log of requests."""
        path = self.directory / "access.log"
        return path.read_text("utf-8") if path.exists() else ""


@contextmanager
def _running(program: Program) -> Iterator[Program]:
    try:
        program.start()
        yield program
    finally:
        program.stop()


@contextmanager
def squid(directory: Path, certificate: Path | None = None) -> Iterator[Program]:
    """Run squid, which requires a password; with a certificate, its clients must use TLS."""
    port = _free_port()
    listen = ""
    if certificate is not None:
        listen, port = f"https_port {LOOPBACK}:{port} tls-cert={certificate}", _free_port()
    checker = directory / "check-password"
    checker.write_text(_CHECK_PASSWORD.format(user=USER, password=PASSWORD))
    checker.chmod(0o755)
    (directory / "hosts").write_text(f"{LOOPBACK} {SQUIDS_NAME}\n")
    directory.chmod(0o777)
    text = _SQUID.format(host=LOOPBACK, port=port, listen=listen, directory=directory)
    (directory / "squid.conf").write_text(text)
    if certificate is not None:
        port = int(listen.split()[1].rpartition(":")[2])
    command = (str(SQUID), "-N", "-f", str(directory / "squid.conf"))
    with _running(Program(command, directory, port)) as program:
        yield program


@contextmanager
def tinyproxy(directory: Path) -> Iterator[Program]:
    """Run tinyproxy, which requires a password."""
    port = _free_port()
    configuration = directory / "tinyproxy.conf"
    configuration.write_text(
        _TINYPROXY.format(port=port, host=LOOPBACK, directory=directory, user=USER, password=PASSWORD)
    )
    command = (str(TINYPROXY), "-d", "-c", str(configuration))
    with _running(Program(command, directory, port)) as program:
        yield program


@contextmanager
def mitmproxy(directory: Path, trusted: Path) -> Iterator[Program]:
    """Run mitmproxy, which inspects TLS; its authority is in `mitmproxy-ca-cert.pem`."""
    port = _free_port()
    options = (
        f"confdir={directory}",
        f"ssl_verify_upstream_trusted_ca={trusted}",
        "connection_strategy=lazy",
    )
    settings = [part for option in options for part in ("--set", option)]
    command = (str(MITMDUMP), "--listen-host", LOOPBACK, "--listen-port", str(port), *settings)
    with _running(Program(command, directory, port)) as program:
        yield program


@dataclass(frozen=True, slots=True)
class Gateway:
    """An nginx with TLS whose configuration a test can replace.

    Attributes:
        program: The program.
        certificate: A file with its certificate and key.
    """

    program: Program
    certificate: Path

    def redeploy(self, location: str) -> None:
        """Stop it, and start it with other directives in its only location."""
        self.program.stop()
        self.configure(location)
        self.program.start()

    def configure(self, location: str) -> None:
        """Write its configuration."""
        text = _NGINX.format(
            host=LOOPBACK, port=self.program.port, certificate=self.certificate, location=location
        )
        (self.program.directory / "nginx.conf").write_text(text)


@contextmanager
def gateway(directory: Path, certificate: Path, location: str) -> Iterator[Gateway]:
    """Run nginx with TLS."""
    command = (
        *(str(nginx.PROGRAM), "-p", str(directory), "-e", str(directory / "error.log")),
        *("-c", str(directory / "nginx.conf")),
    )
    found = Gateway(Program(command, directory, _free_port()), certificate)
    found.configure(location)
    with _running(found.program):
        yield found


def _free_port() -> int:
    with unlistened() as bound:
        port: int = bound.getsockname()[1]
    return port
