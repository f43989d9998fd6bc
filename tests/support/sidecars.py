"""The program as a sidecar: a process with HTTP endpoints."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from tests.support import processes
from tests.support.processes import TOKEN, environment, start_watcher

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

JSON_LOG = ("--log-format", "json")


def start_sidecar(base_uri: str, *arguments: str) -> tuple[subprocess.Popen[str], str]:
    """Start the program with --listen, and return the process and the URL that it logs."""
    process = start_watcher(*arguments, "--listen", "127.0.0.1:0", *JSON_LOG, env=environment(base_uri))
    message = wait_for_event(process, "serving")["message"]
    return process, str(message).rsplit(" ", 1)[1]


def wait_for_event(process: subprocess.Popen[str], name: str) -> dict[str, object]:
    """Read the JSON log up to an event."""
    assert process.stderr is not None
    for line in process.stderr:
        event = json.loads(line)
        assert isinstance(event, dict)
        if event["event"] == name:
            return event
    raise AssertionError(f"the program exited without the event {name}")


def get(url: str) -> tuple[int, str]:
    """Return the status and the body of an endpoint, and check that the body does not contain the token."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 (loopback)
            status, body = response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            status, body = error.code, error.read().decode()
    assert TOKEN not in body
    return status, body


def wait_for(url: str, is_expected: Callable[[int, str], bool], seconds: float = 20.0) -> tuple[int, str]:
    """Poll an endpoint until its status and body are as expected, and return them."""

    def expected_answer() -> tuple[int, str] | None:
        answer = get(url)
        return answer if is_expected(*answer) else None

    return processes.wait_for(expected_answer, seconds)
