"""The program as a process that serves its endpoints."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from tests.support.processes import TOKEN, environment, start_watcher

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

JSON_LOG = ("--log-format", "json")


def start_sidecar(base_uri: str, *arguments: str) -> tuple[subprocess.Popen[str], str]:
    """Start the program and return the URL that it announces."""
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
    raise AssertionError(f"it ended without {name}")


def get(url: str) -> tuple[int, str]:
    """Request an endpoint and return status and body, which must not contain the token."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 (loopback)
            status, body = response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            status, body = error.code, error.read().decode()
    assert TOKEN not in body
    return status, body


def wait_for(url: str, is_there: Callable[[int, str], bool], seconds: float = 20.0) -> tuple[int, str]:
    """Repeat a request until the response is as expected."""
    last = time.monotonic() + seconds
    while not is_there(*(answer := get(url))):
        assert time.monotonic() < last, answer
        time.sleep(0.05)
    return answer
