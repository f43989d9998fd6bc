"""A bad network: two hosts as network namespaces, and a link that drops, delays and is cut."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trustme

from tests.environments.support import (
    Environment,
    FailedError,
    Program,
    Running,
    expect,
    expect_in,
    expect_that,
    keys_of,
    program,
    run,
    simulator,
    started,
    succeed,
    wait_until,
    watcher,
)
from tests.support.paths import ROOT
from tests.support.processes import SEGMENT, TOKEN, environment

_HOST: Final = "launchdarkly.test"
_ADDRESSES: Final = ("10.99.0.1", "10.99.0.2")
"""Both belong to the server; the name moves from the first to the second."""

_OUTAGE: Final = 30.0

# The namespaces are those of two processes: they and the link disappear with the processes.
_HOLDER: Final = "echo ready; exec sleep infinity"

_NGINX: Final = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
events {{}}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  log_format address '$server_addr';
  server {{
    listen 443 ssl;
    ssl_certificate {folder}/chain.pem;
    ssl_certificate_key {folder}/key.pem;
    access_log {folder}/addresses.log address;
    location / {{ proxy_pass {backend}; }}
  }}
}}
"""

# A tenth of all packets is lost in each direction.
_DROP: Final = """table inet bad {
  chain out { type filter hook output priority 0; oifname "wan" numgen random mod 10 0 drop; }
  chain in { type filter hook input priority 0; iifname "wan" numgen random mod 10 0 drop; }
}
"""


@dataclass(frozen=True, slots=True)
class _Network:
    """The namespaces of the server and the client, each as the command that runs in it."""

    folder: Path
    server: Sequence[str]
    client: Sequence[str]
    hosts: Path

    def move_name(self, address: str) -> None:
        """Let the host name lead to an address; the file stays the same, because it is mounted."""
        self.hosts.write_text(f"127.0.0.1 localhost\n{address} {_HOST}\n")

    def create(self) -> str:
        """Create an import from the client's side, over a good link, and return its keys."""
        keys = self.folder / "keys.csv"
        keys.write_text("user-1\n")
        curl = (program("curl"), "-sS", "--fail-with-body", "-D", "-", "-o", self.folder / "response")
        security = ("--cacert", self.folder / "ca.pem", "-H", f"Authorization: {TOKEN}")
        form = ("-F", f"file=@{keys}", "-F", "mode=merge", f"https://{_HOST}{SEGMENT}/imports")
        headers = succeed(*self.client, *curl, *security, *form).lower()
        return keys_of(headers.partition("location: ")[2].split()[0])

    @contextmanager
    def watching(self, target: str, *options: str) -> Iterator[Running]:
        """Run watcher in the client's namespace."""
        ca_file = ("--ca-file", str(self.folder / "ca.pem"), "--log-format", "json", "--output", "none")
        command = [*self.client, *watcher(*ca_file, *options, target)]
        log = self.folder / f"watcher-{time.monotonic_ns()}.log"
        with started(log, *command, env=environment(f"https://{_HOST}"), cwd=ROOT) as running:
            yield running


@contextmanager
def _namespace(folder: Path, name: str, mounts: str = "") -> Iterator[list[str]]:
    """Make a network namespace that has a loopback, and yield the prefix of commands in it."""
    unshare = (program("unshare"), "--net", "--mount", "--propagation=private", "/bin/sh", "-c")
    script = f"set -e; ip link set lo up; {mounts} {_HOLDER}"
    with started(folder / f"{name}.log", *unshare, script) as holder:
        wait_until(lambda: "ready" in holder.log, f"namespace of the {name}", 10)
        yield [program("nsenter"), "--net", "--mount", f"--wd={ROOT}", f"--target={holder.process.pid}"]


@contextmanager
def _network(folder: Path, scenario: str, speed: str) -> Iterator[_Network]:
    """Run the simulator behind nginx with TLS on one host; the other one is the client."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    leaf = authority.issue_cert(_HOST)
    leaf.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "chain.pem").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    hosts = folder / "hosts"
    hosts.touch()
    mount = f"mount --bind '{hosts}' /etc/hosts;"
    with _namespace(folder, "server") as server, _namespace(folder, "client", mount) as client:
        pid = client[-1].partition("=")[2]
        ip = (program("ip"),)
        succeed(
            *server, *ip, "link", "add", "name", "wan", "type", "veth", "peer", "name", "wan", "netns", pid
        )
        for address in _ADDRESSES:
            succeed(*server, *ip, "address", "add", f"{address}/24", "dev", "wan")
        succeed(*client, *ip, "address", "add", "10.99.0.9/24", "dev", "wan")
        for side in (server, client):
            succeed(*side, *ip, "link", "set", "wan", "up")
        network = _Network(folder, server, client, hosts)
        network.move_name(_ADDRESSES[0])
        with simulator(folder, scenario, "--speed", speed, prefix=server) as backend:
            configuration = folder / "nginx.conf"
            configuration.write_text(_NGINX.format(folder=folder, backend=backend.base_uri))
            nginx = (program("nginx"), "-c", configuration, "-e", folder / "error.log")
            with started(folder / "nginx.log", *server, *nginx):
                curl = (
                    *client,
                    program("curl"),
                    "-sS",
                    "--cacert",
                    str(folder / "ca.pem"),
                    f"https://{_HOST}/",
                )
                wait_until(lambda: run(*curl).code == 0, "start of nginx")
                yield network


def _events(running: Running) -> list[dict[str, object]]:
    return [json.loads(line) for line in running.log.splitlines()]


def _ended(running: Running, code: int) -> dict[str, object]:
    """Wait for the exit code, and return the final event."""
    expect(running.end(), code, f"exit code in\n{running.log}")
    return _events(running)[-1]


def _check_loss(network: _Network) -> None:
    """A link that loses a tenth of all packets and is slow delays a watch, but does not end it."""
    target = network.create()
    rules = network.folder / "drop.nft"
    rules.write_text(_DROP)
    succeed(*network.client, program("nft"), "-f", rules)
    # A packet of 1500 bytes takes 0.2 s at this rate.
    slow = ("qdisc", "add", "dev", "wan", "root", "tbf", "rate", "64kbit", "burst", "1600", "latency", "3s")
    succeed(*network.server, program("tc"), *slow)
    with network.watching(target, "--outage-budget", "2m") as running:
        _ended(running, 0)
    succeed(*network.client, program("nft"), "delete", "table", "inet", "bad")
    succeed(*network.server, program("tc"), "qdisc", "del", "dev", "wan", "root")


def _check_cut(network: _Network) -> None:
    """A link that is cut for 30 s is one outage, which is reported with its phase, and ends."""
    target = network.create()
    with network.watching(target, "--request-timeout", "5s", "--max-interval", "5s") as running:
        wait_until(lambda: '"transition"' in running.log, "first response")
        cut = time.monotonic()
        succeed(*network.server, program("ip"), "link", "set", "wan", "down")
        wait_until(lambda: '"retry"' in running.log, "report of the outage")
        time.sleep(max(0.0, cut + _OUTAGE - time.monotonic()))
        succeed(*network.server, program("ip"), "link", "set", "wan", "up")
        if running.process.poll() is not None:
            raise FailedError(f"ended during the outage:\n{running.log}")
        _ended(running, 0)
        expect_in(running.log, '"retry"', "within 5s", '"transition"', '"complete"')


def _check_budget(network: _Network) -> None:
    """An outage that is longer than the budget ends with 75 and names the host."""
    target = network.create()
    options = ("--request-timeout", "2s", "--outage-budget", "8s", "--max-interval", "2s")
    with network.watching(target, *options) as running:
        wait_until(lambda: '"transition"' in running.log, "first response")
        succeed(*network.server, program("ip"), "link", "set", "wan", "down")
        message = str(_ended(running, 75)["message"])
        expect_that(_HOST in message, f"the host in {message!r}")
        succeed(*network.server, program("ip"), "link", "set", "wan", "up")


def _check_move(network: _Network) -> None:
    """A host name that moves to another address is looked up again, and the watch goes on there."""
    target = network.create()
    addresses = network.folder / "addresses.log"
    with network.watching(target, "--request-timeout", "2s", "--max-interval", "1s") as running:
        wait_until(lambda: '"transition"' in running.log, "first response")
        network.move_name(_ADDRESSES[1])
        succeed(*network.server, program("ip"), "address", "del", f"{_ADDRESSES[0]}/24", "dev", "wan")
        succeed(*network.server, program("ip"), "address", "replace", f"{_ADDRESSES[1]}/24", "dev", "wan")
        _ended(running, 0)
    expect(addresses.read_text().split()[-1], _ADDRESSES[1], "address of the last request")


def _run(folder: Path) -> None:
    for name, check, scenario, speed in (
        ("loss", _check_loss, "happy", "0.5"),
        ("cut", _check_cut, "happy", "0.2"),
        ("budget", _check_budget, "stuck", "1"),
        ("move", _check_move, "happy", "0.5"),
    ):
        (folder / name).mkdir()
        with _network(folder / name, scenario, speed) as network:
            check(network)
        shutil.rmtree(folder / name)


ENVIRONMENT: Final = Environment(
    "network",
    (
        Program("ip", "apt: iproute2"),
        Program("tc", "apt: iproute2"),
        Program("nft", "apt: nftables"),
        Program("nginx", "apt: nginx"),
        Program("curl", "apt: curl"),
        Program("unshare", "apt: util-linux"),
        Program("nsenter", "apt: util-linux"),
    ),
    _run,
    root=True,
)
