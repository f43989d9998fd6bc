"""Tests of TLS and proxies between the real client and a server on loopback."""

from __future__ import annotations

import asyncio
import re
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.support.fault_program import Run, run_program
from tests.support.fault_server import Close, Hang, Play, Send, playing, unlistened
from tests.support.fault_watch import ask, silent_libraries
from tests.support.faults import COMPLETE, REF, answer
from tests.support.processes import TOKEN
from tests.support.tls import (
    ESTABLISHED,
    client_context,
    proxying,
    server_context,
    shake_hands,
    tls_1_1_only,
)
from watcher.api.client import Client
from watcher.api.proxy import Proxy
from watcher.api.tls import tls_context
from watcher.api.token import Secret
from watcher.api.token_sources import TokenSource
from watcher.core.answers.replies import Fault, FaultKind, Found

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from watcher.core.answers.replies import Reply

NAME = "launchdarkly.test"
"""A host name without an address: only the proxy can reach it."""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return a certificate authority that no system trusts."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    """Return a file with its certificate."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    """Check that no library logs a warning."""
    with silent_libraries():
        yield


async def get(
    base_uri: str, tls: ssl.SSLContext | None, proxy: Proxy | None = None, request_timeout: float = 5.0
) -> Reply:
    """Send one request."""
    tokens = TokenSource(Secret(TOKEN))
    async with Client(base_uri, tokens, tls=tls, proxy=proxy) as client:
        return await ask(client, request_timeout)


def get_over_tls(
    server: ssl.SSLContext | None, client: ssl.SSLContext | None, play: Play = COMPLETE
) -> tuple[Reply, list[bytes]]:
    """Send one request over TLS to a server on loopback; return the reply and what the server read."""

    async def run() -> tuple[Reply, list[bytes]]:
        async with playing(play, tls=server) as played:
            base_uri = played.base_uri.replace("http:", "https:")
            return await get(base_uri, client, request_timeout=1.0), played.requests

    return asyncio.run(run())


def run_over_tls(server: ssl.SSLContext, *options: str, **variables: str) -> Run:
    """Run the program against a TLS server on loopback with a complete import."""

    async def run() -> Run:
        async with playing(COMPLETE, tls=server) as played:
            return await run_program(
                played.base_uri, "--outage-budget", "500ms", *options, variables=variables
            )

    return asyncio.run(run())


class TestTls:
    """Tests of trust in the server's certificate."""

    def test_trusted(self, authority: trustme.CA, ca_file: Path) -> None:
        """A certificate of the authority in `--ca-file` is trusted."""
        reply, _ = get_over_tls(
            server_context(authority.issue_cert("127.0.0.1")),
            tls_context(ca_file, "ca_file", "https://127.0.0.1"),
        )
        assert isinstance(reply, Found)

    def test_untrusted(self, authority: trustme.CA) -> None:
        """An untrusted certificate is a fault of its own kind, and the token is not sent."""
        reply, requests = get_over_tls(server_context(authority.issue_cert("127.0.0.1")), None)
        assert isinstance(reply, Fault)
        assert reply.kind is FaultKind.UNTRUSTED
        assert re.fullmatch(
            r"the certificate of 127\.0\.0\.1:\d+ is not trusted: unable to get local issuer certificate; "
            "if you trust its issuer, add it with SSL_CERT_FILE",
            reply.detail,
        )
        assert requests == []

    def test_wrong_name(self, authority: trustme.CA) -> None:
        """A certificate for another host is not trusted."""
        certificate = authority.issue_cert("elsewhere.test")
        reply, requests = get_over_tls(server_context(certificate), client_context(authority))
        assert isinstance(reply, Fault)
        assert reply.kind is FaultKind.UNTRUSTED
        assert reply.detail.endswith("certificate is not valid for '127.0.0.1'")
        assert requests == []

    def test_expired(self, authority: trustme.CA) -> None:
        """An expired certificate is not trusted."""
        now = datetime.now(UTC)
        certificate = authority.issue_cert(
            "127.0.0.1", not_before=now - timedelta(days=9), not_after=now - timedelta(days=1)
        )
        reply, _ = get_over_tls(server_context(certificate), client_context(authority))
        assert isinstance(reply, Fault)
        assert reply.kind is FaultKind.UNTRUSTED
        assert reply.detail.endswith("certificate has expired; check the clock of this machine")

    def test_not_yet_valid(self, authority: trustme.CA) -> None:
        """The message about a certificate of the future suggests checking the clock."""
        now = datetime.now(UTC)
        certificate = authority.issue_cert(
            "127.0.0.1", not_before=now + timedelta(days=1), not_after=now + timedelta(days=9)
        )
        reply, _ = get_over_tls(server_context(certificate), client_context(authority))
        assert isinstance(reply, Fault)
        assert reply.kind is FaultKind.UNTRUSTED
        assert reply.detail.endswith("certificate is not yet valid; check the clock of this machine")

    @pytest.mark.parametrize(
        ("version", "words"),
        [
            (ssl.TLSVersion.TLSv1_3, "the server requires a client certificate"),
            (ssl.TLSVersion.TLSv1_2, "the server rejected it; it may require a client certificate"),
        ],
    )
    def test_a_client_certificate(self, authority: trustme.CA, version: ssl.TLSVersion, words: str) -> None:
        """The message says that the server wants a client certificate; TLS 1.2 servers do not say so."""
        server = server_context(authority.issue_cert("127.0.0.1"))
        server.verify_mode = ssl.CERT_REQUIRED
        server.load_verify_locations(cadata=authority.cert_pem.bytes().decode())
        server.maximum_version = version

        async def run() -> Reply:
            with unlistened() as listening:
                listening.listen()
                base_uri = f"https://127.0.0.1:{listening.getsockname()[1]}"
                reply, _ = await asyncio.gather(
                    get(base_uri, client_context(authority)),
                    asyncio.to_thread(shake_hands, listening, server),
                )
            return reply

        reply = asyncio.run(run())
        assert isinstance(reply, Fault)
        assert reply.kind is FaultKind.NETWORK
        assert re.match(rf"TLS handshake with 127\.0\.0\.1:\d+ failed: {words}", reply.detail), reply.detail

    def test_a_client_certificate_without_an_alert(self, authority: trustme.CA) -> None:
        """A server that closes a new connection after the handshake may want a client certificate."""
        server = server_context(authority.issue_cert("127.0.0.1"))
        reply, _ = get_over_tls(server, client_context(authority), Play((Close(),)))
        assert isinstance(reply, Fault)
        assert reply.detail.endswith(
            "connection closed; it may require a client certificate, which is not supported"
        ), reply.detail

    def test_tls_1_1(self, authority: trustme.CA) -> None:
        """A server that supports only TLS 1.1 is a network fault."""

        async def run() -> Reply:
            with unlistened() as listening:
                listening.listen()
                base_uri = f"https://127.0.0.1:{listening.getsockname()[1]}"
                server = tls_1_1_only(authority.issue_cert("127.0.0.1"))
                reply, _ = await asyncio.gather(
                    get(base_uri, client_context(authority)),
                    asyncio.to_thread(shake_hands, listening, server),
                )
            return reply

        reply = asyncio.run(run())
        assert isinstance(reply, Fault)
        assert reply.kind is FaultKind.NETWORK
        assert re.fullmatch(
            r"TLS handshake with 127\.0\.0\.1:\d+ failed: tlsv1 alert protocol version", reply.detail
        )

    @pytest.mark.parametrize(
        ("play", "words"),
        [
            (
                Play((Send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Close()), unasked=True),
                "failed: the port speaks plain HTTP",
            ),
            (Play((Close(),), unasked=True), "failed: connection"),
            (Play((Hang(),), unasked=True), "within 1s"),
        ],
        ids=["plain HTTP", "closes", "hangs"],
    )
    def test_a_server_without_tls(self, play: Play, words: str) -> None:
        """A server without TLS, or one that stops during the handshake, is a network fault."""
        reply, _ = get_over_tls(None, None, play)
        assert isinstance(reply, Fault)
        assert reply.kind is FaultKind.NETWORK
        assert re.match(r"(no )?TLS handshake with 127\.0\.0\.1:\d+ " + words, reply.detail), reply.detail

    def test_program_untrusted(self, authority: trustme.CA) -> None:
        """The program ends with 75 when the outage budget is exhausted, and names the reason."""
        run = run_over_tls(server_context(authority.issue_cert("127.0.0.1")))
        assert run.code == 75
        assert re.search(r"the certificate of 127\.0\.0\.1:\d+ is not trusted", run.err)

    def test_program_ca_file(self, authority: trustme.CA, ca_file: Path) -> None:
        """`--ca-file` adds a trusted authority."""
        certificate = authority.issue_cert("127.0.0.1")
        run = run_over_tls(server_context(certificate), "--ca-file", str(ca_file))
        assert run.code == 0, run.err

    def test_program_ssl_cert_file(self, authority: trustme.CA, ca_file: Path) -> None:
        """`SSL_CERT_FILE` sets the trusted authorities, as for other programs."""
        run = run_over_tls(server_context(authority.issue_cert("127.0.0.1")), SSL_CERT_FILE=str(ca_file))
        assert run.code == 0, run.err

    def test_program_without_its_ssl_cert_file(self, authority: trustme.CA) -> None:
        """A missing `SSL_CERT_FILE` is a usage error."""
        run = run_over_tls(server_context(authority.issue_cert("127.0.0.1")), SSL_CERT_FILE="/nowhere")
        assert run.code == 2
        assert "SSL_CERT_FILE /nowhere cannot be read: no such file or directory" in run.err

    def test_ca_file_adds_to_ssl_cert_file(self, authority: trustme.CA, tmp_path: Path) -> None:
        """`--ca-file` does not replace the authorities in `SSL_CERT_FILE`."""
        other = tmp_path / "other.pem"
        trustme.CA().cert_pem.write_to_path(other)
        own = tmp_path / "own.pem"
        authority.cert_pem.write_to_path(own)
        server = server_context(authority.issue_cert("127.0.0.1"))
        run = run_over_tls(server, "--ca-file", str(other), SSL_CERT_FILE=str(own))
        assert run.code == 0, run.err


def test_netrc_is_never_read(tmp_path: Path) -> None:
    """A password in a netrc file appears in no request."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password netrc-password\n", encoding="ascii")
    netrc.chmod(0o600)

    async def run() -> list[bytes]:
        async with playing(COMPLETE) as server:
            ended = await run_program(server.base_uri, variables={"NETRC": str(netrc), "HOME": str(tmp_path)})
            assert ended.code == 0, ended.err
            return server.requests

    (request,) = asyncio.run(run())
    assert f"Authorization: {TOKEN}\r\n".encode() in request
    assert b"Basic" not in request


class TestProxy:
    """Tests of requests through a CONNECT proxy."""

    def test_through_the_proxy(self, authority: trustme.CA) -> None:
        """The proxy gets the host name and its own password; only the API gets the token."""

        async def run() -> tuple[Reply, list[str], list[bytes]]:
            server = server_context(authority.issue_cert(NAME))
            async with playing(COMPLETE, tls=server) as origin, proxying(origin.port) as proxy:
                proxy_settings = Proxy(
                    f"http://127.0.0.1:{proxy.port}", {"Proxy-Authorization": "Basic dTpw"}
                )
                reply = await get(f"https://{NAME}", client_context(authority), proxy_settings)
                return reply, proxy.requests, origin.requests

        reply, (connect,), (request,) = asyncio.run(run())
        assert isinstance(reply, Found)
        assert connect.startswith(f"CONNECT {NAME}:443 HTTP/1.1\r\n")
        assert "Proxy-Authorization: Basic dTpw\r\n" in connect
        assert TOKEN not in connect
        assert f"GET {REF.path} HTTP/1.1\r\nHost: {NAME}\r\n".encode() in request
        assert b"Proxy-Authorization" not in request

    def test_through_a_proxy_over_tls(self, authority: trustme.CA) -> None:
        """The connection to the proxy may use TLS."""

        async def run() -> Reply:
            origin_tls = server_context(authority.issue_cert(NAME))
            proxy_tls = server_context(authority.issue_cert("127.0.0.1"))
            async with (
                playing(COMPLETE, tls=origin_tls) as origin,
                proxying(origin.port, tls=proxy_tls) as proxy,
            ):
                proxy_settings = Proxy(f"https://127.0.0.1:{proxy.port}")
                return await get(f"https://{NAME}", client_context(authority), proxy_settings)

        assert isinstance(asyncio.run(run()), Found)

    def test_a_page_through_the_proxy(self, authority: trustme.CA) -> None:
        """A page instead of the import may come from the proxy, so the fault names both."""

        async def run() -> Reply:
            page = Play((Send(answer(b"Blocked", status="403 Forbidden")),))
            server = server_context(authority.issue_cert(NAME))
            async with playing(page, tls=server) as origin, proxying(origin.port) as proxy:
                proxy_settings = Proxy(f"http://127.0.0.1:{proxy.port}", variable="ALL_PROXY")
                return await get(f"https://{NAME}", client_context(authority), proxy_settings)

        reply = asyncio.run(run())
        assert isinstance(reply, Fault)
        assert re.fullmatch(
            rf"{re.escape(NAME)} through the proxy http://127\.0\.0\.1:\d+ \(from ALL_PROXY\) "
            r'responded with HTTP 403 \("Blocked"\)',
            reply.detail,
        )

    def test_untrusted_behind_the_proxy(self, authority: trustme.CA) -> None:
        """A proxy does not affect trust in the API's certificate."""

        async def run() -> tuple[Reply, list[bytes]]:
            server = server_context(authority.issue_cert(NAME))
            async with playing(COMPLETE, tls=server) as origin, proxying(origin.port) as proxy:
                proxy_settings = Proxy(f"http://127.0.0.1:{proxy.port}")
                return await get(f"https://{NAME}", None, proxy_settings), origin.requests

        reply, requests = asyncio.run(run())
        assert isinstance(reply, Fault)
        assert reply.kind is FaultKind.UNTRUSTED
        assert requests == []

    @pytest.mark.parametrize(
        ("answer", "detail"),
        [
            (
                b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
                'requires a valid user name and password: HTTP 407 "Proxy Authentication Required"',
            ),
            (
                b"HTTP/1.1 503 No c2VjcmV0\r\n\r\n",
                f'made no connection to {NAME}: HTTP 503 "No ***"',
            ),
            (
                b"HTTP/1.1 302 Found\r\nLocation: http://login.test/\r\n\r\n",
                f'made no connection to {NAME}: HTTP 302 "Found"',
            ),
            (b"", f"made no connection to {NAME}: connection closed"),
            (
                b"SSH-2.0-OpenSSH_9.2\r\n",
                f"made no connection to {NAME}: the response from it is not valid HTTP",
            ),
            (ESTABLISHED + b"this is no TLS", None),
        ],
        ids=["407", "503", "302", "closed", "garbage", "no TLS behind it"],
    )
    def test_a_proxy_that_fails(self, answer: bytes, detail: str | None) -> None:
        """Any other response of the proxy is a fault that does not show its password."""

        async def run() -> Reply:
            async with proxying(0, answer) as proxy:
                proxy_settings = Proxy(
                    f"http://127.0.0.1:{proxy.port}", {"Proxy-Authorization": "Basic c2VjcmV0"}
                )
                return await get(f"https://{NAME}", None, proxy_settings)

        reply = asyncio.run(run())
        assert isinstance(reply, Fault)
        assert reply.kind is (FaultKind.PROXY if b" 407 " in answer else FaultKind.NETWORK)
        assert re.search(r"the proxy http://127\.0\.0\.1:\d+ \(from HTTPS_PROXY\)", reply.detail)
        assert reply.detail.endswith(detail or "")
        assert "c2VjcmV0" not in repr(reply)

    def test_a_proxy_that_is_down(self) -> None:
        """A proxy that refuses connections is named as the proxy."""
        with unlistened() as bound:
            proxy_settings = Proxy(f"http://127.0.0.1:{bound.getsockname()[1]}")
            reply = asyncio.run(get(f"https://{NAME}", None, proxy_settings))
        assert reply == Fault(
            FaultKind.NETWORK, f"no connection to {proxy_settings} for {NAME}: connection refused"
        )

    def test_a_proxy_that_does_not_exist(self) -> None:
        """The name of a proxy that does not exist is a fault of its own kind."""
        proxy_settings = Proxy("http://proxy.invalid:3128", variable="ALL_PROXY")
        reply = asyncio.run(get(f"https://{NAME}", None, proxy_settings))
        assert isinstance(reply, Fault)
        if reply.kind is FaultKind.PROXY:  # without a network, the resolver fails temporarily
            assert reply.detail == f"there is no proxy named proxy.invalid (from ALL_PROXY) for {NAME}"
        else:
            assert reply.detail.startswith(f"name lookup of {proxy_settings} for {NAME} failed: ")

    def test_a_proxy_that_hangs(self) -> None:
        """A timeout names the proxy."""

        async def run() -> Reply:
            async with playing(Play((Hang(),), unasked=True)) as proxy:
                return await get(f"https://{NAME}", None, Proxy(proxy.base_uri), request_timeout=0.5)

        reply = asyncio.run(run())
        assert isinstance(reply, Fault)
        assert re.fullmatch(
            rf"no tunnel to {NAME} through the proxy http://127\.0\.0\.1:\d+ \(from HTTPS_PROXY\) "
            r"within \d+ms",
            reply.detail,
        ), reply.detail

    def test_a_tls_handshake_that_hangs_behind_the_proxy(self) -> None:
        """A timeout after the proxy made its tunnel is one of TLS, not of the tunnel."""

        async def run() -> Reply:
            hanging = Play((Hang(),), unasked=True)
            async with playing(hanging) as origin, proxying(origin.port) as proxy:
                proxy_settings = Proxy(f"http://127.0.0.1:{proxy.port}")
                return await get(f"https://{NAME}", None, proxy_settings, request_timeout=0.5)

        reply = asyncio.run(run())
        assert isinstance(reply, Fault)
        assert re.match(rf"no TLS handshake with {NAME} through the proxy http:", reply.detail), reply.detail

    def test_a_tls_handshake_that_breaks_behind_the_proxy(self) -> None:
        """A host that closes the connection during the handshake is not mistaken for a broken proxy."""

        async def run() -> Reply:
            closing = Play((Close(),), unasked=True)
            async with playing(closing) as origin, proxying(origin.port) as proxy:
                return await get(f"https://{NAME}", None, Proxy(f"http://127.0.0.1:{proxy.port}"))

        reply = asyncio.run(run())
        assert isinstance(reply, Fault)
        assert re.match(
            rf"TLS handshake with {NAME} through the proxy http://.*failed: connection", reply.detail
        ), reply.detail

    def test_a_proxy_with_an_untrusted_certificate(self, authority: trustme.CA) -> None:
        """An untrusted certificate of the proxy is not mistaken for one of the API."""

        async def run() -> Reply:
            async with proxying(0, tls=server_context(authority.issue_cert("127.0.0.1"))) as proxy:
                return await get(f"https://{NAME}", None, Proxy(f"https://127.0.0.1:{proxy.port}"))

        reply = asyncio.run(run())
        assert isinstance(reply, Fault)
        assert reply.kind is FaultKind.UNTRUSTED
        assert reply.detail.startswith("the certificate of the proxy https://127.0.0.1:")

    def test_a_proxy_without_tls(self) -> None:
        """A plain proxy that is configured as an https proxy is named."""

        async def run() -> Reply:
            async with playing(Play((Send(b"HTTP/1.1 400 x\r\n\r\n"), Close()), unasked=True)) as proxy:
                return await get(f"https://{NAME}", None, Proxy(f"https://127.0.0.1:{proxy.port}"))

        reply = asyncio.run(run())
        assert isinstance(reply, Fault)
        assert re.fullmatch(
            rf"TLS handshake with the proxy https://127\.0\.0\.1:\d+ \(from HTTPS_PROXY\) for {NAME} failed: "
            "the port speaks plain HTTP or another protocol without TLS",
            reply.detail,
        ), reply.detail

    def test_program(self, authority: trustme.CA, ca_file: Path) -> None:
        """With `HTTPS_PROXY` the program reaches a host that it cannot look up itself."""

        async def run() -> tuple[Run, list[str]]:
            server = server_context(authority.issue_cert(NAME))
            async with playing(COMPLETE, tls=server) as origin, proxying(origin.port) as proxy:
                variables = {"HTTPS_PROXY": f"http://somebody:p%40ss@127.0.0.1:{proxy.port}"}
                ended = await run_program(f"https://{NAME}", "--ca-file", str(ca_file), variables=variables)
                return ended, proxy.requests

        ended, (connect,) = asyncio.run(run())
        assert ended.code == 0, ended.err
        assert "Proxy-Authorization: Basic c29tZWJvZHk6cEBzcw==\r\n" in connect
        assert "p%40ss" not in ended.out + ended.err

    def test_program_with_a_proxy_that_refuses(self) -> None:
        """A proxy that rejects the password is 75 after the outage budget, not 4 like a 401 of the API."""

        async def run() -> Run:
            async with proxying(0, b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") as proxy:
                variables = {"HTTPS_PROXY": f"http://somebody:secret-word@127.0.0.1:{proxy.port}"}
                options = ("--outage-budget", "500ms", "--log-format", "json")
                return await run_program(f"https://{NAME}", *options, variables=variables)

        ended = asyncio.run(run())
        assert ended.code == 75
        assert f"(from HTTPS_PROXY) for {NAME} requires a valid user name and password: HTTP 407" in ended.err
        assert "secret-word" not in ended.out + ended.err
