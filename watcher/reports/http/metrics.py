"""The watch as Prometheus metrics."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from watcher.core.statuses import ImportStatus, Outcome
from watcher.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from prometheus_client.metrics_core import Metric

    from watcher.core.events import Progress
    from watcher.core.model import ImportRef
    from watcher.core.statuses import Status
    from watcher.reports.http.snapshot import Snapshot

MOST_LABELLED = 100
"""Imports up to which each has series of its own; those of a larger fleet would weigh on Prometheus."""

_UNSEEN = "unseen"
_UNKNOWN = "unknown"
_STATUSES = (*ImportStatus, _UNKNOWN, _UNSEEN)
_OUTCOMES = tuple(outcome for outcome in Outcome if outcome not in (Outcome.USAGE, Outcome.INTERNAL))
_KEYS = ("project", "environment", "segment", "import_id")


def exposition(snapshot: Snapshot, accept: str = "") -> tuple[bytes, str]:
    """Writes the metrics in the format that the reader prefers.

    Names and units follow https://prometheus.io/docs/practices/naming/; a moment is a timestamp, not
    an age, as https://prometheus.io/docs/practices/instrumentation/#timestamps-not-time-since has it.

    Args:
        snapshot: Where the watch stands.
        accept: The ``Accept`` field of the request.

    Returns:
        The text and its content type: Prometheus' own format, or OpenMetrics where that was asked for.
    """
    try:
        encode, content_type = choose_encoder(accept if accept.isascii() else "")
    except (TypeError, ValueError):  # a version that is no number
        encode, content_type = choose_encoder("")
    registry = CollectorRegistry()
    registry.register(_Snapshots(snapshot))
    return encode(registry), content_type


class _Snapshots(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterable[Metric]:
        progress = self._snapshot.builder.progress
        yield _info()
        yield from _totals(list(progress.values()))
        yield from _ends(self._snapshot)
        if len(progress) <= MOST_LABELLED:
            yield from _each_import(list(progress.items()))


def _info() -> Metric:
    info = GaugeMetricFamily("watcher_build_info", "The version of watcher.", labels=["version"])
    info.add_metric([__version__], 1)
    return info


def _totals(progress: Sequence[Progress]) -> Iterator[Metric]:
    yield CounterMetricFamily(
        "watcher_polls", "Requests that were answered or failed.", value=sum(p.polls for p in progress)
    )
    yield CounterMetricFamily(
        "watcher_throttles", "Requests that were answered with 429.", value=sum(p.throttled for p in progress)
    )
    yield CounterMetricFamily(
        "watcher_errors",
        "Requests that brought nothing usable for another reason than a 429.",
        value=sum(p.errors for p in progress),
    )
    yield GaugeMetricFamily(
        "watcher_elapsed_seconds",
        "Time since the wait began, up to its end.",
        value=max((p.elapsed for p in progress), default=0.0),
    )
    seen = [p.seen_at for p in progress if p.seen_at is not None]
    if seen:
        yield GaugeMetricFamily(
            "watcher_last_good_answer_timestamp_seconds",
            "When an answer last showed an import, in Unix time.",
            value=max(seen),
        )
    counts = Counter(_label(p.status) for p in progress)
    by_status = GaugeMetricFamily("watcher_imports", "Imports by the status last seen.", labels=["status"])
    for status in _STATUSES:
        by_status.add_metric([status], counts[status])
    yield by_status


def _ends(snapshot: Snapshot) -> Iterator[Metric]:
    counts = Counter(end.outcome for end in snapshot.builder.ends)
    ended = GaugeMetricFamily(
        "watcher_ended_imports", "Imports whose wait is over, by outcome.", labels=["outcome"]
    )
    whole = GaugeMetricFamily(
        "watcher_outcome", "1 for the outcome of the whole watch, once it has ended.", labels=["outcome"]
    )
    result = snapshot.result
    for outcome in _OUTCOMES:
        ended.add_metric([outcome], counts[outcome])
        whole.add_metric([outcome], float(result is not None and result.outcome is outcome))
    yield ended
    yield whole
    if result is not None:
        yield GaugeMetricFamily(
            "watcher_exit_code", "The exit code, once the watch has ended.", value=result.code
        )


def _each_import(imports: Sequence[tuple[ImportRef, Progress]]) -> Iterator[Metric]:
    status = GaugeMetricFamily(
        "watcher_import_status", "1 for the status last seen, else 0.", labels=[*_KEYS, "status"]
    )
    in_state = GaugeMetricFamily(
        "watcher_import_in_state_seconds", "Time since that status was first seen.", labels=_KEYS
    )
    seen_at = GaugeMetricFamily(
        "watcher_import_last_good_answer_timestamp_seconds",
        "When an answer last showed the import, in Unix time.",
        labels=_KEYS,
    )
    for ref, progress in imports:
        keys = (ref.project, ref.environment, ref.segment, ref.import_id)
        for name in _STATUSES:
            status.add_metric([*keys, name], float(name == _label(progress.status)))
        if progress.in_state is not None:
            in_state.add_metric(keys, progress.in_state)
        if progress.seen_at is not None:
            seen_at.add_metric(keys, progress.seen_at)
    yield from (status, in_state, seen_at)


def _label(status: Status | None) -> str:
    """Names a status by one of few labels, whatever the API makes up."""
    if status is None:
        return _UNSEEN
    return status if isinstance(status, ImportStatus) else _UNKNOWN
