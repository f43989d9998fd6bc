"""Tests of the Prometheus metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open_metrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.support.driving import EPOCH, SERVER, THROTTLED, Driven, seen
from tests.support.results import builder_of, life
from watcher.reports.http.metrics import MAX_LABELLED, exposition

if TYPE_CHECKING:
    from watcher.core.exit_codes import Result
    from watcher.reports.results import ResultBuilder


def samples(builder: ResultBuilder, result: Result | None = None) -> dict[str, dict[tuple[str, ...], float]]:
    """Return the values of the metrics by name and label values."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in parse_text(exposition(builder, result)[0].decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def test_metrics_of_a_watch() -> None:
    """Counters, statuses and times are those of the imports."""
    driven = Driven()
    for reply in (seen("preparing"), SERVER, THROTTLED, seen("in_progress"), seen("in_progress")):
        driven.receive(reply)
    builder = builder_of(driven.events, life("stopped", number=1))
    builder.update({driven.waiter.ref: driven.waiter.progress(driven.instant())})
    values = samples(builder)
    assert values["watcher_polls_total"] == {(): 6}
    assert (values["watcher_throttles_total"], values["watcher_errors_total"]) == ({(): 1}, {(): 1})
    assert values["watcher_imports"]["in_progress",] == values["watcher_imports"]["stopped",] == 1
    assert values["watcher_ended_imports"]["stopped",] == 1
    assert values["watcher_last_good_answer_timestamp_seconds"] == {(): EPOCH + driven.now}
    (labels,) = (labels for labels in values["watcher_import_in_state_seconds"] if "in_progress" in labels)
    assert {*labels} == {*driven.waiter.ref.keys, "in_progress"}
    assert values["watcher_import_in_state_seconds"][labels] > 0
    assert sum(values["watcher_import_status"].values()) == 2
    assert sum(values["watcher_outcome"].values()) == 0
    assert "watcher_exit_code" not in values
    builder = builder_of(life("stopped"))
    ended = samples(builder, builder.result())
    assert (ended["watcher_exit_code"], ended["watcher_outcome"]["stopped",]) == ({(): 3}, 1)


def test_metrics_before_the_first_answer() -> None:
    """Unknown values are left out."""
    for builder in (builder_of(), builder_of(life())):
        values = samples(builder)
        assert values["watcher_polls_total"] == {(): 0}
        assert "watcher_last_good_answer_timestamp_seconds" not in values


def test_metrics_follow_the_conventions() -> None:
    """Prometheus' parsers accept both formats, which have help texts and base units."""
    builder = builder_of(life("preparing", "complete"))
    result = builder.result()
    open_metrics, content_type = exposition(builder, result, "application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    readable = parse_open_metrics(open_metrics.decode())  # type: ignore[no-untyped-call]  # as that package has it
    for families in (readable, parse_text(exposition(builder, result)[0].decode())):
        for family in families:
            assert family.name.startswith("watcher_")
            assert family.documentation.endswith(".")
            assert (family.type == "counter") == family.samples[0].name.endswith("_total")
            assert not family.name.endswith(("_count", "_sum", "_bucket", "_ms", "_minutes"))


@pytest.mark.parametrize(
    "accept", ["", "application/openmetrics-text; version=x", "text/plain; version=9.\xe9", "\udcff", ",;=,"]
)
def test_a_malformed_accept_header(accept: str) -> None:
    """A malformed Accept field gets the default format."""
    assert exposition(builder_of(), None, accept)[1].startswith("text/plain; version=0.0.4")


def test_a_fleet_has_few_series() -> None:
    """The series are bounded, whatever the number of imports and the statuses of the API."""
    lives = [life(f"made-up-{n}" if n % 2 else "ready", number=n) for n in range(MAX_LABELLED)]
    few = samples(builder_of(*lives))
    assert len(few["watcher_import_status"]) == 8 * MAX_LABELLED
    many = samples(builder_of(*lives, life("ready", number=MAX_LABELLED)))
    assert sum(len(values) for values in many.values()) < 100
    assert sum(many["watcher_imports"].values()) == MAX_LABELLED + 1
