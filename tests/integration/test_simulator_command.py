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
        with urlopen(Request(url, headers={"Authorization": token}), timeout=5) as response:  # noqa: S310 - loopback
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
        (["--rate-limit", "0"], "Invalid value for '--rate-limit'"),
        (["--host", "0.0.0.0"], "No such option"),  # noqa: S104 - refused
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
    for option in ("--port", "--scenario", "--speed", "--rate-limit", "LD_ACCESS_TOKEN"):
        assert option in output
