"""No web page can read the state of the watch by DNS rebinding."""

from __future__ import annotations

import pytest

from tests.support.endpoints import ask, served, view_of
from tests.support.results import builder_of, life
from watcher.reports.http.hosts import is_local_host

FOREIGN = [
    "evil.example",
    "evil.example:8080",
    "EVIL.EXAMPLE.",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "10-0-0-7.evil.example",
    "svc.evil.example",
    "evil.xn--p1ai",
    "evil.8.b.d.0.1.0.0.2.ip6.arpa",
    "evil.2.0.192.in-addr.arpa",
    "evilhome.arpa",
    "[::1].evil.example",
    "evil.example#.local",
    "evil.example\\.local",
    "user@evil.example",
    "\u00e9vil.example",
]
USUAL = [
    "127.0.0.1:8080",
    "10.244.1.7:8080",  # kubelet: the Pod's address
    "[fd00::7]:8080",
    "[::1]",
    "localhost:8080",
    "watcher.localhost",
    "wait-for-import:8080",  # Compose: the name of the service
    "wait-for-import.project_default:8080",
    "watcher.jobs.svc:8080",
    "watcher.jobs.svc.cluster.local.:8080",
    "build-7.internal",
    "build-7.home.arpa",
    "BUILD-7:8080",
]


@pytest.mark.parametrize("host", FOREIGN)
def test_a_website_is_refused(host: str) -> None:
    """``Host`` must not be a name that a website can have."""
    assert not is_local_host(host, "0.0.0.0")  # noqa: S104 (as a container listens)
    assert not is_local_host(host, "127.0.0.1")


@pytest.mark.parametrize("host", USUAL)
def test_probes_and_prometheus_are_served(host: str) -> None:
    """Addresses, names without dots and private names are served."""
    assert is_local_host(host, "0.0.0.0")  # noqa: S104 (as a container listens)


def test_the_host_of_the_option_is_served() -> None:
    """A host that the user chose to listen on is served, whatever its name."""
    assert is_local_host("Build-7.example.com:8080", "build-7.example.com")
    assert not is_local_host("build-8.example.com:8080", "build-7.example.com")


def test_a_foreign_host_reads_nothing() -> None:
    """The keys of the imports are not served to a foreign host; probes are, because they contain no keys."""
    with served(view_of(builder_of(life("preparing")))) as address:
        for path in ("/status", "/metrics"):
            for method in ("GET", "HEAD"):
                response, body = ask(address, path, method, host="evil.example:80")
                assert response.status == 421
                assert b"big-spenders" not in body
                assert response.headers["Connection"] == "close"
            for host in ("127.0.0.1", "watcher"):
                assert ask(address, path, host=host)[0].status == 200
        for path, status in (("/healthz", 200), ("/readyz", 503)):
            response, body = ask(address, path, host="evil.example")
            assert response.status == status
            assert b"big-spenders" not in body
