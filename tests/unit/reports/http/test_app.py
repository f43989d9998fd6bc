"""Tests of what the endpoints respond."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count

import pytest

from tests.support.endpoints import ask, served, view_of
from tests.support.results import builder_of, life
from watcher.reports.http.app import STUCK_AFTER, Endpoints

PATHS = ("/healthz", "/readyz", "/status", "/metrics")


def body_of(view: Endpoints, path: str) -> tuple[int, str]:
    """Return status and body of one request."""
    with served(view) as address:
        response, body = ask(address, path)
        return response.status, body.decode()


@pytest.mark.parametrize(
    ("overdue", "has_ended", "status"),
    [
        (0.0, False, 200),
        (-3600.0, False, 200),  # a long rate limit
        (STUCK_AFTER, False, 200),
        (STUCK_AFTER + 0.1, False, 503),
        (STUCK_AFTER + 0.1, True, 200),
    ],
)
def test_health(overdue: float, status: int, *, has_ended: bool) -> None:
    """A watch is stuck if it is past its planned wake-up, not while it waits or after its end."""
    builder = builder_of(life("complete"))
    view = Endpoints(builder, lambda: None, lambda: overdue, builder.result() if has_ended else None)
    expected = "ok\n" if status == 200 else "stuck: the watch is 5 s late\n"
    assert body_of(view, "/healthz") == (status, expected)


def test_readiness() -> None:
    """Only a watch that ended with code 0 is ready; otherwise a line gives the reason."""
    running = life("preparing")
    complete, stopped = life("complete", number=1), life("stopped", number=2)
    success, failure = builder_of(complete), builder_of(complete, stopped)
    cases = {
        "waiting: the watch has not started\n": (view_of(builder_of()), 503),
        "waiting: 1 of 1 import is not final\n": (view_of(builder_of(running)), 503),
        "waiting: 1 of 3 imports is not final\n": (view_of(builder_of(running, complete, stopped)), 503),
        "ended with 0 (complete)\n": (view_of(success, result=success.result()), 200),
        "ended with 3 (stopped)\n": (view_of(failure, result=failure.result()), 503),
    }
    for reason, (view, status) in cases.items():
        assert body_of(view, "/readyz") == (status, reason)


def test_status_is_current() -> None:
    """Each request shows the latest progress, also of polls without an event, and at last the result."""
    events = life("preparing", "ready", "stopped")
    builder = builder_of(events[:2])
    view = Endpoints(builder, lambda: builder.update({events[0].ref: events[-2].progress}), lambda: 0.0)
    with served(view) as address:
        first = json.loads(ask(address, "/status")[1])
        builder.receive(events[-1])
        view.result = builder.result()
        last = json.loads(ask(address, "/status")[1])
    assert (first["outcome"], first["imports"][0]["polls"]) == (None, events[-2].progress.polls)
    assert (last["outcome"], last["exit_code"], last["message"]) == ("stopped", 3, view.result.message)


def test_simultaneous_requests_show_current_data() -> None:
    """Requests that wait for their turn do not show what an earlier one saw."""
    builder = builder_of(*(life("preparing", number=number) for number in range(300)))
    refreshed = count(1)
    refs = list(builder.progress)

    def refresh() -> None:
        builder.update({refs[0]: replace(builder.progress[refs[0]], polls=next(refreshed))})

    with served(Endpoints(builder, refresh, lambda: 0.0)) as address, ThreadPoolExecutor(8) as clients:
        bodies = clients.map(lambda _: ask(address, "/status")[1], range(40))
        polls = [json.loads(body)["imports"][0]["polls"] for body in bodies]
    assert sorted(polls) == list(range(1, 41))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
def test_other_methods_are_not_allowed(method: str) -> None:
    """Only GET and HEAD are allowed."""
    with served(view_of(builder_of())) as address:
        for path in PATHS:
            response, _ = ask(address, path, method)
            assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD")


@pytest.mark.parametrize("path", ["/", "/status/", "/healthz/..", "//status", "/metrics.json", "/x%00"])
def test_other_paths_are_not_found(path: str) -> None:
    """Only the four paths exist, and the response lists them."""
    with served(view_of(builder_of())) as address:
        response, body = ask(address, path)
    assert response.status == 404
    assert body == b"not found: there are /healthz, /readyz, /status and /metrics\n"


def test_the_format_of_metrics_is_negotiated() -> None:
    """A client may ask for OpenMetrics."""
    with served(view_of(builder_of())) as address:
        plain, _ = ask(address, "/metrics")
        open_metrics, body = ask(address, "/metrics", accept="application/openmetrics-text; version=1.0.0")
    assert plain.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert open_metrics.headers["Content-Type"].startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
