"""What the endpoints answer, without a network."""

from __future__ import annotations

import json
import math
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open_metrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.support.driving import EPOCH, SERVER, THROTTLED, Driven, seen
from tests.support.ledgers import builder_of, life
from watcher.core.model import Instant
from watcher.reports.http.endpoints import Answer, Endpoints
from watcher.reports.http.metrics import MOST_LABELLED, exposition
from watcher.reports.http.snapshot import LONGEST_DELAY, Snapshot

if TYPE_CHECKING:
    from watcher.reports.results import ResultBuilder

NOW = Instant(100.0, EPOCH + 100.0)
PATHS = ("/healthz", "/readyz", "/status", "/metrics")


def snapshot_of(builder: ResultBuilder, *, over: bool = False) -> Snapshot:
    """What is known at a moment."""
    return Snapshot(NOW, builder, result=builder.finish() if over else None)


def ask(snapshot: Snapshot, path: str, method: str = "GET", now: float = NOW.monotonic) -> Answer:
    """Asks once."""
    return Endpoints(snapshot, lambda: now).answer(method, path)


def samples(snapshot: Snapshot) -> dict[str, dict[tuple[str, ...], float]]:
    """The values of the metrics by name and label values."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in parse_text(exposition(snapshot)[0].decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


@pytest.mark.parametrize(
    ("made_at", "wakes_at", "now", "status"),
    [
        (100.0, math.inf, 100.0, 200),
        (100.0, math.inf, 100.0 + LONGEST_DELAY, 200),
        (100.0, math.inf, 100.1 + LONGEST_DELAY, 503),  # blocked: no snapshot comes any more
        (100.0, 3700.0, 100.0, 200),  # an hour's sleep, such as a rate limit asks for
        (100.0, 100.0 - LONGEST_DELAY, 100.0, 200),
        (100.0, 99.9 - LONGEST_DELAY, 100.0, 503),  # alive, but it did not go on when it meant to
    ],
)
def test_health(made_at: float, wakes_at: float, now: float, status: int) -> None:
    """A watch is stuck where it is silent or has overslept, not where it waits."""
    snapshot = Snapshot(Instant(made_at, EPOCH), builder_of(life("preparing")), wakes_at)
    assert ask(snapshot, "/healthz", now=now).status == status


def test_readiness() -> None:
    """Ready is a watch that has ended with 0; else a line says why not."""
    begun = life("preparing")
    complete, stopped = life("complete", number=1), life("stopped", number=2)
    cases = {
        "waiting: the watch has not begun\n": (snapshot_of(builder_of()), 503),
        "waiting: 1 of 1 import is not final\n": (snapshot_of(builder_of(begun)), 503),
        "waiting: 1 of 3 imports is not final\n": (snapshot_of(builder_of(begun, complete, stopped)), 503),
        "ended with 0 (complete)\n": (snapshot_of(builder_of(complete), over=True), 200),
        "ended with 3 (stopped)\n": (snapshot_of(builder_of(complete, stopped), over=True), 503),
    }
    for words, (snapshot, status) in cases.items():
        answer = ask(snapshot, "/readyz")
        assert (answer.body.decode(), answer.status) == (words, status)


def test_status_is_the_result() -> None:
    """What is served is the JSON result, encoded once for each snapshot."""
    endpoints = Endpoints(snapshot_of(builder_of(life("preparing", "ready"))))
    first = endpoints.answer("GET", "/status")
    assert json.loads(first.body)["imports"][0]["status"] == "ready"
    assert endpoints.answer("GET", "/status").body is first.body
    endpoints.publish(snapshot_of(builder_of(life("stopped"))))
    assert json.loads(endpoints.answer("GET", "/status").body)["outcome"] == "stopped"


def test_a_copy_of_a_ledger_stays_as_it_was() -> None:
    """What another thread reads does not change under its eyes, and a quiet poll shows in the next copy."""
    events = life("preparing", "ready", "stopped")
    builder = builder_of(events[:2])
    copy = builder.copy()
    before = copy.document()
    builder.update({events[0].ref: events[-1].progress})
    builder.receive(events[-1])
    assert copy.document() == before
    assert builder.document().imports[0].polls == 3


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get"])
def test_other_methods_are_refused(path: str, method: str) -> None:
    """Nothing but GET and HEAD is answered."""
    assert ask(snapshot_of(builder_of()), path, method).status == HTTPStatus.METHOD_NOT_ALLOWED


@pytest.mark.parametrize("path", ["/", "", "/status/", "/healthz/..", "//status", "/metrics.json", "*"])
def test_other_paths_are_not_there(path: str) -> None:
    """Nothing but the four paths is answered."""
    assert ask(snapshot_of(builder_of()), path).status == HTTPStatus.NOT_FOUND


def test_metrics_tell_the_watch() -> None:
    """Counters, statuses and times are those of the imports."""
    driven = Driven()
    for reply in (seen("preparing"), SERVER, THROTTLED, seen("in_progress"), seen("in_progress")):
        driven.receive(reply)
    builder = builder_of(driven.events, life("stopped", number=1))
    builder.update({driven.waiter.ref: driven.waiter.progress(driven.instant())})
    told = samples(snapshot_of(builder))
    assert told["watcher_polls_total"] == {(): 6}
    assert (told["watcher_throttles_total"], told["watcher_errors_total"]) == ({(): 1}, {(): 1})
    assert told["watcher_imports"]["in_progress",] == told["watcher_imports"]["stopped",] == 1
    assert told["watcher_ended_imports"]["stopped",] == 1
    assert told["watcher_last_good_answer_timestamp_seconds"] == {(): EPOCH + driven.now}
    assert told["watcher_import_in_state_seconds"]["production", "1234a567", "default", "big-spenders"] > 0
    assert sum(told["watcher_import_status"].values()) == 2
    assert sum(told["watcher_outcome"].values()) == 0
    assert "watcher_exit_code" not in told
    ended = samples(snapshot_of(builder_of(life("stopped")), over=True))
    assert (ended["watcher_exit_code"], ended["watcher_outcome"]["stopped",]) == ({(): 3}, 1)


def test_metrics_before_the_first_answer() -> None:
    """Where nothing has been seen, nothing is made up."""
    for builder in (builder_of(), builder_of(life())):
        told = samples(snapshot_of(builder))
        assert told["watcher_polls_total"] == {(): 0}
        assert "watcher_last_good_answer_timestamp_seconds" not in told


def test_metrics_follow_the_conventions() -> None:
    """Both formats are read back by Prometheus' parsers, with help and base units."""
    snapshot = snapshot_of(builder_of(life("preparing", "complete")), over=True)
    open_metrics, content_type = exposition(snapshot, "application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    readable = parse_open_metrics(open_metrics.decode())  # type: ignore[no-untyped-call]  # as that package has it
    for families in (readable, parse_text(exposition(snapshot)[0].decode())):
        for family in families:
            assert family.name.startswith("watcher_")
            assert family.documentation.endswith(".")
            assert (family.type == "counter") == family.samples[0].name.endswith("_total")
            assert not family.name.endswith(("_count", "_sum", "_bucket", "_ms", "_minutes"))


@pytest.mark.parametrize(
    "accept", ["", "application/openmetrics-text; version=x", "text/plain; version=9.\xe9", "\udcff", ",;=,"]
)
def test_metrics_for_a_strange_reader(accept: str) -> None:
    """An Accept field that makes no sense gets the format that everybody reads."""
    assert exposition(snapshot_of(builder_of()), accept)[1].startswith("text/plain; version=0.0.4")


def test_a_fleet_has_few_series() -> None:
    """However many imports there are and whatever statuses the API makes up, the series are bounded."""
    lives = [life(f"made-up-{n}" if n % 2 else "ready", number=n) for n in range(MOST_LABELLED)]
    few = samples(snapshot_of(builder_of(*lives)))
    assert len(few["watcher_import_status"]) == 8 * MOST_LABELLED
    many = samples(snapshot_of(builder_of(*lives, life("ready", number=MOST_LABELLED))))
    assert sum(len(values) for values in many.values()) < 100
    assert sum(many["watcher_imports"].values()) == MOST_LABELLED + 1
