"""Tests with real proxies and a real gateway: squid, tinyproxy and mitmproxy in front of nginx with TLS."""

from __future__ import annotations

import asyncio
import re
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.support import nginx, real_proxies
from tests.support.fault_program import Run, run_program
from tests.support.fault_server import LOOPBACK, FaultServer, playing
from tests.support.faults import COMPLETE, IN_PROGRESS
from tests.support.real_proxies import (
    MITMDUMP,
    NAME,
    PASSWORD,
    SQUID,
    SQUIDS_NAME,
    TINYPROXY,
    USER,
    Gateway,
    Program,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from tests.support.fault_server import Play

pytestmark = pytest.mark.skipif(nginx.PROGRAM is None, reason="nginx is not installed")
needs_squid = pytest.mark.skipif(SQUID is None, reason="squid is not installed")
needs_tinyproxy = pytest.mark.skipif(TINYPROXY is None, reason="tinyproxy is not installed")
needs_mitmproxy = pytest.mark.skipif(MITMDUMP is None, reason="mitmproxy is not installed")
each_proxy = pytest.mark.parametrize(
    "kind", [pytest.param("squid", marks=needs_squid), pytest.param("tinyproxy", marks=needs_tinyproxy)]
)

WRONG = "wrong-word"
WITHIN = ("--outage-budget", "2s")


class Site:
    """Directories, certificates and programs of one test."""

    def __init__(self, root: Path, stack: ExitStack) -> None:
        self._root = root
        self._stack = stack
        self.authority = trustme.CA()
        self.ca_file = root / "ca.pem"
        self.authority.cert_pem.write_to_path(self.ca_file)
        self.certificate = root / "certificate.pem"
        self.authority.issue_cert(NAME, SQUIDS_NAME, LOOPBACK).private_key_and_cert_chain_pem.write_to_path(
            self.certificate
        )

    def directory(self, name: str) -> Path:
        """Return a new directory."""
        created = self._root / name
        created.mkdir()
        return created

    def gateway(self, api: FaultServer) -> Gateway:
        """Run nginx in front of an API."""
        return self._stack.enter_context(
            real_proxies.gateway(self.directory("nginx"), self.certificate, passing(api))
        )

    def proxy(self, kind: str, *, tls: bool = False) -> Program:
        """Run a proxy."""
        directory = self.directory(kind)
        match kind:
            case "squid":
                return self._stack.enter_context(
                    real_proxies.squid(directory, self.certificate if tls else None)
                )
            case "tinyproxy":
                return self._stack.enter_context(real_proxies.tinyproxy(directory))
            case _:
                return self._stack.enter_context(real_proxies.mitmproxy(directory, self.ca_file))


@pytest.fixture
def site() -> Iterator[Site]:
    """Return an empty site, whose directory squid can read after it gave up root's rights."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        Path(name).chmod(0o755)
        yield Site(Path(name), stack)


def passing(api: FaultServer) -> str:
    """Return nginx's directives to pass requests to an API."""
    return f"proxy_pass {api.base_uri};"


def proxy_url(proxy: Program, password: str = PASSWORD, scheme: str = "http") -> str:
    """Return the value of `HTTPS_PROXY`."""
    return f"{scheme}://{USER}:{password}@{LOOPBACK}:{proxy.port}"


async def seen(api: FaultServer, requests: int = 1) -> None:
    """Wait until an API got requests."""
    while len(api.requests) < requests:  # noqa: ASYNC110 (a list of the test)
        await asyncio.sleep(0.02)


async def watch_through(
    site: Site,
    kind: str | None,
    *options: str,
    variables: Callable[[Program], dict[str, str]] = lambda proxy: {"HTTPS_PROXY": proxy_url(proxy)},
    script: Sequence[Play] = (COMPLETE,),
    incident: Callable[[FaultServer, Gateway, Program | None], Awaitable[None]] | None = None,
    tls: bool = False,
    host: str | None = None,
) -> tuple[Run, str]:
    """Watch an import behind nginx, through a proxy, and return the run and the proxy's log.

    During an incident, the import is in progress; afterwards it is complete.
    """
    async with playing(*script) as api:
        gateway = site.gateway(api)
        proxy = None if kind is None else site.proxy(kind, tls=tls)
        known = {None: LOOPBACK, "squid": SQUIDS_NAME}
        running = asyncio.create_task(
            run_program(
                f"https://{host or known.get(kind, NAME)}:{gateway.program.port}",
                *options,
                variables={} if proxy is None else variables(proxy),
            )
        )
        if incident is not None:
            await seen(api)
            await incident(api, gateway, proxy)
            api.script = [COMPLETE]
        return await running, "" if proxy is None else proxy.log()


def run(watching: Awaitable[tuple[Run, str]]) -> tuple[Run, str]:
    """Run a watch and check that no password is shown."""

    async def wait() -> tuple[Run, str]:
        return await watching

    ended, log = asyncio.run(wait())
    for word in (PASSWORD, WRONG):
        assert word not in ended.out + ended.err
    return ended, log


@each_proxy
def test_through_a_proxy(site: Site, kind: str) -> None:
    """A watch through the proxy, with its password, ends with 0."""
    ended, log = run(watch_through(site, kind, "--ca-file", str(site.ca_file)))
    assert ended.code == 0, ended.err
    assert (SQUIDS_NAME if kind == "squid" else NAME) in log


@each_proxy
def test_a_wrong_password(site: Site, kind: str) -> None:
    """A wrong password ends with 75; the message names the proxy and its variable."""
    wrong = {"ALL_PROXY": ""}
    ended, _ = run(
        watch_through(
            site,
            kind,
            *WITHIN,
            variables=lambda proxy: wrong | {"https_proxy": proxy_url(proxy, WRONG)},
        )
    )
    assert ended.code == 75, ended.err
    assert re.search(
        r"the proxy http://127\.0\.0\.1:\d+ \(from https_proxy\) for \S+ requires a valid user name "
        r"and password: HTTP 40[17]",
        ended.err,
    ), ended.err
    assert "Correct the proxy in the environment" in ended.err


@each_proxy
def test_a_proxy_that_dies_and_comes_back(site: Site, kind: str) -> None:
    """A crash of the proxy during the watch is ridden out."""

    async def crash(_api: FaultServer, _gateway: Gateway, proxy: Program | None) -> None:
        assert proxy is not None
        proxy.stop()
        await asyncio.sleep(0.5)
        await asyncio.to_thread(proxy.start)

    ended, _ = run(
        watch_through(site, kind, "--ca-file", str(site.ca_file), script=[IN_PROGRESS], incident=crash)
    )
    assert ended.code == 0, ended.err
    assert re.search(
        r"no connection to the proxy http://127\.0\.0\.1:\d+ \(from HTTPS_PROXY\) for \S+: "
        "connection refused",
        ended.err,
    ), ended.err


@needs_tinyproxy
def test_a_proxy_that_hangs(site: Site) -> None:
    """A proxy that stops responding is named."""

    async def hang(api: FaultServer, _gateway: Gateway, proxy: Program | None) -> None:
        assert proxy is not None
        proxy.pause()
        await asyncio.sleep(0)
        api.script = [COMPLETE]

    ended, _ = run(
        watch_through(
            site,
            "tinyproxy",
            *("--ca-file", str(site.ca_file), "--request-timeout", "500ms", *WITHIN),
            script=[IN_PROGRESS],
            incident=hang,
        )
    )
    assert ended.code == 75, ended.err
    assert re.search(
        rf"no tunnel to {NAME}:\d+ through the proxy http://127\.0\.0\.1:\d+ \(from HTTPS_PROXY\) within",
        ended.err,
    ), ended.err


@needs_squid
def test_an_https_proxy(site: Site) -> None:
    """The connection to the proxy may use TLS."""
    ended, log = run(
        watch_through(
            site,
            "squid",
            *("--ca-file", str(site.ca_file)),
            variables=lambda proxy: {"HTTPS_PROXY": proxy_url(proxy, scheme="https")},
            tls=True,
        )
    )
    assert ended.code == 0, ended.err
    assert SQUIDS_NAME in log


@needs_squid
def test_an_https_proxy_with_an_untrusted_certificate(site: Site) -> None:
    """The message says that the proxy's certificate is not trusted."""
    ended, _ = run(
        watch_through(
            site,
            "squid",
            *WITHIN,
            variables=lambda proxy: {"HTTPS_PROXY": proxy_url(proxy, scheme="https")},
            tls=True,
        )
    )
    assert ended.code == 75, ended.err
    assert re.search(
        r"the certificate of the proxy https://127\.0\.0\.1:\d+ \(from HTTPS_PROXY\) for \S+ is not trusted: "
        r"unable to get local issuer certificate; if you trust its issuer, "
        r"add it with --ca-file or SSL_CERT_FILE",
        ended.err,
    ), ended.err


@needs_squid
def test_no_proxy(site: Site) -> None:
    """A host in `NO_PROXY` is reached directly."""
    ended, log = run(
        watch_through(
            site,
            "squid",
            *("--ca-file", str(site.ca_file)),
            variables=lambda proxy: {
                "HTTPS_PROXY": proxy_url(proxy, WRONG),
                "NO_PROXY": f"other.test,{NAME}/8",
            },
            host=NAME,
        )
    )
    assert ended.code == 0, ended.err
    assert "CONNECT" not in log


def inspected(site: Site, *options: str, variables: Callable[[Path], dict[str, str]]) -> Run:
    """Watch an import through mitmproxy; the variables depend on the file with its authority."""

    def chosen(proxy: Program) -> dict[str, str]:
        authority = proxy.directory / "mitmproxy-ca-cert.pem"
        return {"HTTPS_PROXY": f"http://{LOOPBACK}:{proxy.port}"} | variables(authority)

    ended, _ = run(watch_through(site, "mitmproxy", *options, variables=chosen))
    return ended


@needs_mitmproxy
def test_tls_inspection(site: Site) -> None:
    """A proxy that inspects TLS has an issuer that is unknown, and the message says what to do."""
    ended = inspected(site, *WITHIN, variables=lambda _: {})
    assert ended.code == 75, ended.err
    assert re.search(
        rf"the certificate of {NAME}:\d+ through the proxy http://127\.0\.0\.1:\d+ \(from HTTPS_PROXY\) is "
        r"not trusted: unable to get local issuer certificate; "
        r"if you trust its issuer, add it with --ca-file or SSL_CERT_FILE",
        ended.err,
    ), ended.err


@needs_mitmproxy
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "WATCHER_CA_FILE"])
def test_tls_inspection_by_a_trusted_proxy(site: Site, variable: str) -> None:
    """The proxy's authority is accepted from `SSL_CERT_FILE` and as `--ca-file`."""
    ended = inspected(site, variables=lambda authority: {variable: str(authority)})
    assert ended.code == 0, ended.err


def test_a_gateway_that_is_redeployed(site: Site) -> None:
    """Nginx stops, answers with 502 pages, and comes back: the watch rides it out."""

    async def redeploy(api: FaultServer, gateway: Gateway, _proxy: Program | None) -> None:
        gateway.program.stop()
        await asyncio.sleep(0.4)
        await asyncio.to_thread(gateway.configure, "return 502;")
        await asyncio.to_thread(gateway.program.start)
        while " 502 " not in gateway.program.log():  # noqa: ASYNC110 (nginx writes a few lines)
            await asyncio.sleep(0.02)
        api.script = [COMPLETE]
        await asyncio.to_thread(gateway.redeploy, passing(api))

    ended, _ = run(
        watch_through(
            site,
            None,
            *("--ca-file", str(site.ca_file), "--log-format", "json"),
            script=[IN_PROGRESS],
            incident=redeploy,
        )
    )
    assert ended.code == 0, ended.err
    assert "HTTP 502 from nginx" in ended.err
    assert "connection refused" in ended.err
