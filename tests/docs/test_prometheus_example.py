"""The Prometheus alerts use metrics and labels that exist."""

from __future__ import annotations

import re

import msgspec
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support.paths import EXAMPLES
from tests.support.results import builder_of, life
from watcher.core.statuses import ImportStatus, Outcome
from watcher.reports.http.metrics import exposition


class _Rule(msgspec.Struct, forbid_unknown_fields=True):
    alert: str
    expr: str
    labels: dict[str, str]
    annotations: dict[str, str]


class _Group(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    rules: list[_Rule]


class _Alerts(msgspec.Struct, forbid_unknown_fields=True):
    groups: list[_Group]


def rules() -> list[_Rule]:
    """Return all alerts."""
    text = (EXAMPLES / "prometheus" / "alerts.yaml").read_text("utf-8")
    (group,) = msgspec.convert(yaml.safe_load(text), _Alerts).groups
    return group.rules


def test_every_metric_and_label_exists() -> None:
    """Each expression uses only served metrics, their labels, and Prometheus' own label ``instance``."""
    builder = builder_of(life("stopped"))
    text = exposition(builder, builder.result())[0].decode()
    served = {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert len(rules()) == 4
    for rule in rules():
        names = re.findall(r"\bwatcher_\w+", rule.expr)
        assert names
        assert set(names) <= served.keys()
        labels = {"instance"}.union(*(served[name] for name in names))
        used = re.findall(r"\{(\w+)(?:=|!~)|\$labels\.(\w+)", rule.expr + rule.annotations["summary"])
        used += [
            (name, "")
            for names in re.findall(r"\((\w+(?:, \w+)*)\)", rule.expr)
            for name in names.split(", ")
        ]
        assert {one or other for one, other in used} <= labels


def test_every_status_and_outcome_exists() -> None:
    """The values in selectors are statuses and outcomes."""
    values = [
        value
        for rule in rules()
        for text in re.findall(r'\{\w+(?:=|!~)"([^"]+)"\}', rule.expr)
        for value in text.split("|")
    ]
    assert set(values) <= {*ImportStatus, *Outcome}
    assert len(values) >= 4
