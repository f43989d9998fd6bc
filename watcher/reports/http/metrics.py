"""The watch as Prometheus metrics.

Names and units follow https://prometheus.io/docs/practices/naming/; a time is a timestamp, not an age
(https://prometheus.io/docs/practices/instrumentation/#timestamps-not-time-since).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from watcher.core.events import Progress
from watcher.core.exit_codes import Result
from watcher.core.model import ImportRef
from watcher.core.statuses import ImportStatus, Outcome, Status
from watcher.core.text import printable
from watcher.reports.results import ResultBuilder
from watcher.version import __version__

MAX_LABELLED = 100
"""Imports up to which each one has its own series; more would strain Prometheus."""

_UNSEEN = "unseen"
_UNKNOWN = "unknown"
_STATUSES = (*ImportStatus, _UNKNOWN, _UNSEEN)
_OUTCOMES = tuple(outcome for outcome in Outcome if outcome not in {Outcome.USAGE, Outcome.INTERNAL})
_SEEN_AT = "Unix time of the last response that showed"
_KEYS = ("project", "environment", "segment", "import_id")


def exposition(builder: ResultBuilder, result: Result | None, accept: str = "") -> tuple[bytes, str]:
    """Return the metrics and their content type: Prometheus text, or OpenMetrics if ``accept`` names it."""
    try:
        encode, content_type = choose_encoder(accept if accept.isascii() else "")
    except (TypeError, ValueError):  # a malformed version
        encode, content_type = choose_encoder("")
    registry = CollectorRegistry()
    registry.register(_WatchCollector(builder, result))
    return encode(registry), content_type


class _WatchCollector(Collector):
    def __init__(self, builder: ResultBuilder, result: Result | None) -> None:
        self._builder = builder
        self._result = result

    def collect(self) -> Iterator[Metric]:
        imports, result = self._builder.progress, self._result
        progress = list(imports.values())
        yield _gauge("build_info", "The version of watcher.", [((__version__,), 1)], "version")
        yield _counter("polls", "Requests that got a response or failed.", sum(p.polls for p in progress))
        throttled, errors = sum(p.throttled for p in progress), sum(p.errors for p in progress)
        yield _counter("throttles", "Requests that got a 429.", throttled)
        yield _counter("errors", "Requests that failed for another reason than a 429.", errors)
        elapsed = self._builder.elapsed(result)
        yield _gauge("elapsed_seconds", "Time since the wait began, up to its end.", [((), elapsed)])
        seen = [((), p.seen_at) for p in progress if p.seen_at is not None]
        yield _gauge("last_good_answer_timestamp_seconds", f"{_SEEN_AT} an import.", sorted(seen)[-1:])
        statuses = Counter(_label(p.status) for p in progress)
        by_status = [((status,), statuses[status]) for status in _STATUSES]
        yield _gauge("imports", "Imports by their last status.", by_status, "status")
        ended = Counter(end.outcome for end in self._builder.ends)
        by_outcome = [((outcome,), ended[outcome]) for outcome in _OUTCOMES]
        yield _gauge("ended_imports", "Imports whose wait has ended, by outcome.", by_outcome, "outcome")
        is_final = [((o,), result is not None and result.outcome is o) for o in _OUTCOMES]
        yield _gauge("outcome", "1 for the outcome of the watch, once it has ended.", is_final, "outcome")
        codes = [] if result is None else [((), result.code)]
        yield _gauge("exit_code", "The exit code, once the watch has ended.", codes)
        if len(imports) <= MAX_LABELLED:
            yield from _each_import(imports)


def _each_import(imports: Mapping[ImportRef, Progress]) -> Iterator[Metric]:
    known = [(tuple(map(printable, ref.keys)), p) for ref, p in imports.items()]
    status = [((*keys, name), name == _label(p.status)) for keys, p in known for name in _STATUSES]
    yield _gauge("import_status", "1 for the last status, else 0.", status, *_KEYS, "status")
    in_state = [((*keys, _label(p.status)), p.in_state) for keys, p in known if p.in_state is not None]
    yield _gauge(
        "import_in_state_seconds", "Time since the status was first seen.", in_state, *_KEYS, "status"
    )
    seen = [(keys, p.seen_at) for keys, p in known if p.seen_at is not None]
    yield _gauge("import_last_good_answer_timestamp_seconds", f"{_SEEN_AT} the import.", seen, *_KEYS)


def _counter(name: str, documentation: str, value: int) -> Metric:
    return CounterMetricFamily(f"watcher_{name}", documentation, value=value)


def _gauge(
    name: str, documentation: str, samples: Iterable[tuple[Sequence[str], float]], *labels: str
) -> Metric:
    """Return a gauge from label values and numbers."""
    gauge = GaugeMetricFamily(f"watcher_{name}", documentation, labels=labels)
    for values, number in samples:
        gauge.add_metric(values, number)
    return gauge


def _label(status: Status | None) -> str:
    """Return one of a few labels, so that unknown statuses make no series of their own."""
    if status is None:
        return _UNSEEN
    return status if isinstance(status, ImportStatus) else _UNKNOWN
