"""Tests of ``--listen`` and ``--linger``: the program as a sidecar."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.support.processes import FAST, environment, finish, run_watcher
from tests.support.sidecars import get, start_sidecar, wait_for, wait_for_event
from tests.support.stopwatch import seconds_to_end

if TYPE_CHECKING:
    from tests.support.processes import StartSimulator


@pytest.mark.parametrize(
    ("scenario", "number", "code", "ready"),
    [
        ("happy", signal.SIGTERM, 0, (200, "ended with 0 (complete)\n")),
        ("stopped", signal.SIGINT, 3, (503, "ended with 3 (stopped)\n")),
    ],
)
def test_the_life_of_a_lingering_sidecar(
    start_simulator: StartSimulator, scenario: str, number: int, code: int, ready: tuple[int, str]
) -> None:
    """The sidecar is always healthy, ready only after a success, and exits with the result's code."""
    simulator = start_simulator(scenario, speed=5.0)
    process, url = start_sidecar(
        simulator.base_uri, simulator.create(), *FAST, "--linger", "--output", "json"
    )
    assert get(f"{url}/healthz") == (200, "ok\n")
    status, why = get(f"{url}/readyz")
    assert (status, why.split(":")[0]) == (503, "waiting")
    _, running = get(f"{url}/status")
    assert json.loads(running)["outcome"] is None
    assert process.stdout is not None
    result = json.loads(process.stdout.readline())  # written before it lingers
    assert get(f"{url}/readyz") == ready
    wait_for_event(process, "lingering")
    _, final = get(f"{url}/status")
    assert json.loads(final) == result
    _, metrics = get(f"{url}/metrics")
    assert f"watcher_exit_code {code}.0" in metrics
    assert get(f"{url}/healthz") == (200, "ok\n")
    assert seconds_to_end(process, number) < 1
    assert finish(process).code == code


def test_a_signal_during_the_watch_ends_the_sidecar(start_simulator: StartSimulator) -> None:
    """A signal before the end prevents lingering."""
    simulator = start_simulator("stuck")
    process, _ = start_sidecar(simulator.base_uri, simulator.create(), *FAST, "--linger")
    assert seconds_to_end(process, signal.SIGTERM) < 1
    finished = finish(process)
    assert finished.code == 143
    assert "lingering" not in finished.err


def test_a_poll_without_an_event_shows(start_simulator: StartSimulator) -> None:
    """``/status`` shows polls that found no change, and the current time in the state."""
    simulator = start_simulator("stuck", speed=100.0)
    process, url = start_sidecar(simulator.base_uri, simulator.create(), *FAST)
    wait_for(f"{url}/status", lambda _, body: '"status":"in_progress"' in body)
    before = json.loads(get(f"{url}/status")[1])["imports"][0]
    wait_for(
        f"{url}/status",
        lambda _, body: (
            json.loads(body)["imports"][0]["polls"] > before["polls"]
            and json.loads(body)["imports"][0]["in_state_s"] > before["in_state_s"]
        ),
    )
    process.terminate()
    finish(process)


def test_a_command_excludes_a_lingering_sidecar() -> None:
    """A command that could never run is a usage error."""
    finished = run_watcher("a/b/c/d", "--listen", "127.0.0.1:0", "--linger", "--", "true")
    assert finished.code == 2
    assert "--linger serves after the end" in finished.err


@pytest.mark.parametrize("address", ["taken", "192.0.2.1:8080"])
def test_an_unusable_address(address: str) -> None:
    """A used port, or an address of another machine, is code 2 before any request."""
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as api:
        port = taken.getsockname()[1]
        address = f"127.0.0.1:{port}" if address == "taken" else address
        finished = run_watcher(
            "a/b/c/d", "--listen", address, env=environment(f"http://127.0.0.1:{api.getsockname()[1]}")
        )
        api.setblocking(False)  # noqa: FBT003 (the signature of the socket module)
        with pytest.raises(BlockingIOError):
            api.accept()
    assert finished.code == 2
    assert finished.err.startswith(f"watcher: cannot listen on {address}: ")
    assert finished.err.count("\n") == 1


def test_200_slow_clients_delay_no_poll(start_simulator: StartSimulator) -> None:
    """Clients that do not read, or send a byte at a time, delay no poll, probe or shutdown."""
    simulator = start_simulator("stuck", speed=100.0)
    paced = ("--min-interval", "100ms", "--max-interval", "100ms")
    process, url = start_sidecar(simulator.base_uri, simulator.create(), *paced)
    host, port = url.removeprefix("http://").split(":")
    stop = threading.Event()
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection((host, int(port)))) for _ in range(200)]

        def drip() -> None:
            for client in clients[::2]:
                _send(client, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            while not stop.wait(0.05):
                for client in clients[1::2]:
                    _send(client, b"G")

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            first = _polls(url)
            began = time.monotonic()
            slowest = 0.0
            while time.monotonic() - began < 3:
                asked = time.monotonic()
                assert get(f"{url}/healthz")[0] == 200
                slowest = max(slowest, time.monotonic() - asked)
                time.sleep(0.1)
            made, spent = _polls(url) - first, time.monotonic() - began
            assert seconds_to_end(process, signal.SIGTERM) < 1
            finished = finish(process)
        finally:
            stop.set()
            thread.join()
    assert finished.code == 143
    assert slowest < 1
    assert made > spent  # nine in a second if the machine is idle, none if a client delays them


def test_a_blocked_watch_is_stuck_and_a_sleeping_one_is_not(start_simulator: StartSimulator) -> None:
    """Health is lost if the loop hangs in a write that nobody reads, not during a long wait."""
    simulator = start_simulator("stuck")
    asleep, url_of_asleep = start_sidecar(simulator.base_uri, simulator.create(), "--min-interval", "1h")
    flood = ("--output", "jsonl", "--heartbeat", "1ms")
    blocked, url = start_sidecar(simulator.base_uri, simulator.create("flooded"), *flood)
    assert get(f"{url}/healthz")[0] == 200
    assert blocked.stderr is not None
    drain = threading.Thread(target=blocked.stderr.read)
    drain.start()
    latest = time.monotonic() + 90
    while _is_healthy(url):
        assert time.monotonic() < latest
        time.sleep(0.1)
    assert get(f"{url_of_asleep}/healthz")[0] == 200
    for process, code in ((blocked, 143), (asleep, 143)):
        process.terminate()
        assert process.wait(5) == code
    drain.join()
    finish(asleep)
    assert blocked.stdout is not None
    assert blocked.stdin is not None
    for stream in (blocked.stdout, blocked.stdin, blocked.stderr):
        stream.close()


def _is_healthy(url: str) -> bool:
    try:
        return get(f"{url}/healthz")[0] == 200
    except OSError:  # no response in time, which fails a probe, too
        return False


def _polls(url: str) -> int:
    polls = json.loads(get(f"{url}/status")[1])["imports"][0]["polls"]
    assert isinstance(polls, int)
    return polls


def _send(client: socket.socket, data: bytes) -> None:
    """Send to a server that may have closed the connection."""
    try:
        client.send(data)
    except OSError:
        return
