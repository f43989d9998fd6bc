"""`python -m watcher.simulator` as a process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.support.processes import SEGMENT, TOKEN, Simulator
from watcher.simulator.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = (sys.executable, "-m", "watcher.simulator")


@contextmanager
def running(*options: str, accepts: str = "") -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the simulator, and yield it with its base URI when it is listening."""
    with subprocess.Popen(
        [*COMMAND, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LD_ACCESS_TOKEN": accepts},
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            match = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", line)
            assert match, line
            yield process, match[1]
        finally:
            process.kill()


def get(url: str, token: str = TOKEN) -> tuple[int, str]:
    """Return the status and the body of a GET."""
    try:
        with urlopen(Request(url, headers={"Authorization": token}), timeout=5) as response:  # noqa: S310 (loopback)
            return response.status, response.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_create_and_read() -> None:
    """A multipart form creates an import, and the URL in `Location` returns it."""
    with running("--speed", "1000", "--rate-limit", "50") as (_, base_uri):
        url = Simulator(base_uri).create()
        assert url.startswith(f"{base_uri}{SEGMENT}/imports/")
        status, body = get(url)
        assert (status, '"filename": "keys.csv"' in body) == (200, True)


@pytest.mark.parametrize(
    ("option", "kinds"),
    [
        ("7", {"Global"}),
        ("route=7,token=7", {"Route", "Auth-Token"}),
        ("account=7,token=7,route=7", {"Global", "Route", "Auth-Token"}),
    ],
)
def test_rate_limits_by_name(option: str, kinds: set[str]) -> None:
    """A number limits the account, and names select the limits."""
    with (
        running("--rate-limit", option) as (_, base_uri),
        urlopen(Request(base_uri + SEGMENT, headers={"Authorization": TOKEN}), timeout=5) as response,  # noqa: S310 (loopback)
    ):
        found = {name: value for name, value in response.headers.items() if name.endswith("-Limit")}
    assert found == {f"X-Ratelimit-{kind}-Limit": "7" for kind in kinds}


def test_requests_are_logged() -> None:
    """With -v, standard error has one line for each request, with the requests left and without the token."""
    with running("-v", "--rate-limit", "route=3,token=1000", accepts=TOKEN) as (process, base_uri):
        Simulator(base_uri).create()
        for _ in range(4):
            get(base_uri + SEGMENT)
        get(base_uri + SEGMENT, "api-wrong")
        get(f"{base_uri}/%0Aflags?env=test")
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=5)
    assert output == ""
    lines = errors.splitlines()
    assert lines[0] == f"POST {SEGMENT}/imports 204 route=2 token=999"
    assert lines[1:5] == [
        f"GET {SEGMENT} 200 route=2 token=998",
        f"GET {SEGMENT} 200 route=1 token=997",
        f"GET {SEGMENT} 200 route=0 token=996",
        f"GET {SEGMENT} 429 route=0 token=996",
    ]
    assert lines[5:] == [f"GET {SEGMENT} 401", "GET /%0Aflags 404"]


def test_a_dropped_connection_is_logged() -> None:
    """A request whose connection is dropped has no status in the log."""
    with running("-v", "--scenario", "flaky") as (process, base_uri):
        url = Simulator(base_uri).create()
        for _ in range(4):
            get(url)
        with pytest.raises(OSError, match="closed connection"):
            get(url)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=5)
    assert [line.rpartition(" ")[2] for line in errors.splitlines()] == [
        "204",
        "200",
        "500",
        "502",
        "200",
        "dropped",
    ]


def test_accepts_only_the_token_of_the_environment() -> None:
    """Only the token in LD_ACCESS_TOKEN is accepted, without surrounding white space."""
    with running(accepts=" api-1\n") as (_, base_uri):
        assert get(base_uri + SEGMENT, "api-1")[0] == 200
        assert get(base_uri + SEGMENT, "api-2")[0] == 401


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_simulator(number: signal.Signals, code: int) -> None:
    """It exits at once, with the shell's code for the signal and without output."""
    with running() as (process, base_uri):
        assert get(base_uri + SEGMENT)[0] == 200
        process.send_signal(number)
        rest, errors = process.communicate(timeout=5)
    assert (process.returncode, rest, errors) == (code, "", "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--port", "65536"], "Invalid value for '--port'"),
        (["--scenario", "sunny"], "Invalid value for '--scenario': 'sunny' is not one of 'happy', "),
        (["--speed", "0"], "Invalid value for '--speed': 0.0 is not in the range x>0"),
        (["--rate-limit", "0"], "'0' is neither a number from 1 nor a list such as route=5,token=1000"),
        (["--rate-limit", "many"], "Invalid value for '--rate-limit': 'many' is neither"),
        (["--rate-limit", ""], "Invalid value for '--rate-limit': '' is neither"),
        (["--rate-limit", "route=5,"], "Invalid value for '--rate-limit': 'route=5,' is neither"),
        (["--rate-limit", "route=0"], "Invalid value for '--rate-limit': 'route=0' is neither"),
        (["--rate-limit", "route=1,route=2"], "Invalid value for '--rate-limit': 'route=1,route=2' is"),
        (["--rate-limit", "global=5"], "Invalid value for '--rate-limit': 'global=5' is neither"),
        (["--host", "0.0.0.0"], "No such option"),  # noqa: S104 (refused)
    ],
)
def test_bad_options(
    options: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An invalid option exits with 2 and prints one line that names it."""
    monkeypatch.setattr("sys.argv", [*COMMAND, *options][2:])
    assert main() == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert message in errors
    assert len(errors.splitlines()) == 1


def test_a_port_in_use_is_a_usage_error() -> None:
    """A port in use exits with 2 and one line that names the port."""
    with running() as (_, base_uri):
        port = base_uri.rpartition(":")[2]
        ended = subprocess.run([*COMMAND, "--port", port], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"python -m watcher.simulator: cannot listen on 127.0.0.1:{port}: Address already in use; "
        "use --port 0 for any free port\n"
    )


def test_help(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The help names every option."""
    monkeypatch.setattr("sys.argv", ["watcher.simulator", "--help"])
    assert main() == 0
    output, errors = capsys.readouterr()
    assert errors == ""
    for option in ("--port", "--scenario", "--speed", "--rate-limit", "-v", "LD_ACCESS_TOKEN"):
        assert option in output
