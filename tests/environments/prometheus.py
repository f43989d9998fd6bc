"""Prometheus: it scrapes watcher every second and evaluates the example's alerts."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import msgspec

from tests.environments.support import (
    Environment,
    Program,
    expect,
    program,
    simulator,
    started,
    succeed,
    wait_until,
    watcher,
)
from tests.support.paths import EXAMPLES, ROOT
from tests.support.processes import Simulator, environment

_ALERTS: Final = EXAMPLES / "prometheus" / "alerts.yaml"

# Hours become seconds, so that every alert can fire during the check. `tests.yaml` checks the real limits.
_SHORTER: Final = {"> 1800": "> 6", "> 4 * 3600": "> 12", "> 120": "> 5"}

_CONFIGURATION: Final = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [alerts.yaml]
scrape_configs:
  - job_name: watcher
    static_configs: [{{targets: [{targets}]}}]
"""

_KEYS: Final = 'instance="w:1",project="p",environment="e",segment="s",import_id="i"'

# Each series has one value a minute, from minute 0. `!` marks the first minute at which the alert fires.
_UNIT_TESTS: Final = f"""
rule_files: [original.yaml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {{series: 'watcher_import_in_state_seconds{{{_KEYS},status="in_progress"}}', values: '0+60x300'}}
    alert_rule_test:
      - {{eval_time: 30m, alertname: ImportStuck, exp_alerts: []}}
      - eval_time: 31m
        alertname: ImportStuck
        exp_alerts:
          - exp_labels:
              {{severity: warning, status: in_progress, instance: "w:1", project: p, environment: e,
               segment: s, import_id: i}}
            exp_annotations: {{summary: "The import into s has been in_progress for 31m 0s."}}
      - {{eval_time: 241m, alertname: ImportWaitsForApproval, exp_alerts: []}}
  - interval: 1m
    input_series:
      - {{series: 'watcher_import_in_state_seconds{{{_KEYS},status="pending_approval"}}', values: '0+60x300'}}
    alert_rule_test:
      - {{eval_time: 240m, alertname: ImportWaitsForApproval, exp_alerts: []}}
      - {{eval_time: 240m, alertname: ImportStuck, exp_alerts: []}}
      - eval_time: 241m
        alertname: ImportWaitsForApproval
        exp_alerts:
          - exp_labels:
              {{severity: info, status: pending_approval, instance: "w:1", project: p, environment: e,
               segment: s, import_id: i}}
            exp_annotations: {{summary: "The import into s must be approved and applied in LaunchDarkly."}}
  - interval: 1m
    input_series:
      - {{series: 'watcher_last_good_answer_timestamp_seconds{{instance="w:1"}}', values: '0x10'}}
    alert_rule_test:
      - {{eval_time: 2m, alertname: NoAnswerFromLaunchDarkly, exp_alerts: []}}
      - eval_time: 3m
        alertname: NoAnswerFromLaunchDarkly
        exp_alerts:
          - exp_labels: {{severity: warning, instance: "w:1"}}
            exp_annotations: {{summary: "w:1 got no usable response for 3m 0s."}}
  - interval: 1m
    input_series:
      - {{series: 'watcher_elapsed_seconds{{instance="w:1"}}', values: '0+60x10'}}
    alert_rule_test:
      - {{eval_time: 2m, alertname: NoAnswerFromLaunchDarkly, exp_alerts: []}}
      - eval_time: 3m
        alertname: NoAnswerFromLaunchDarkly
        exp_alerts:
          - exp_labels: {{severity: warning, instance: "w:1"}}
            exp_annotations: {{summary: "w:1 got no usable response for 3m 0s."}}
"""


class _Alert(msgspec.Struct):
    labels: dict[str, str]
    state: str


class _Alerts(msgspec.Struct):
    alerts: list[_Alert]


class _Response(msgspec.Struct):
    data: _Alerts


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _get(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 (loopback)
            return bytes(response.read())
    except OSError:
        return b""


@contextmanager
def _watching(folder: Path, server: Simulator, address: str) -> Iterator[None]:
    target = server.create()
    # Polls every second, because the shortened alert for silence fires after 5 s.
    command = watcher("--listen", address, "--linger", "--max-interval", "1s", target)
    log = folder / f"watcher-{address}.log"
    with started(log, *command, env=environment(server.base_uri), cwd=ROOT):
        wait_until(lambda: _get(f"http://{address}/metrics"), f"metrics at {address}")
        yield


@contextmanager
def _prometheus(folder: Path, targets: list[str]) -> Iterator[str]:
    """Run Prometheus and yield its URL."""
    text = _ALERTS.read_text("utf-8")
    for real, short in _SHORTER.items():
        expect(text.count(real), 1, f"rules with {real}")
        text = text.replace(real, short)
    (folder / "alerts.yaml").write_text(text, "utf-8")
    quoted = ", ".join(f'"{target}"' for target in targets)
    (folder / "prometheus.yaml").write_text(_CONFIGURATION.format(targets=quoted), "utf-8")
    succeed(program("promtool"), "check", "config", folder / "prometheus.yaml")
    url = f"http://127.0.0.1:{_free_port()}"
    command = [program("prometheus"), f"--config.file={folder / 'prometheus.yaml'}"]
    command += [f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={url[7:]}"]
    with started(folder / "prometheus.log", *command, cwd=folder):
        wait_until(lambda: _get(f"{url}/-/ready"), "start of Prometheus")
        yield url


def _firing(url: str) -> set[tuple[str, str]]:
    """Return the name and the instance of each alert that fires."""
    body = _get(f"{url}/api/v1/alerts")
    alerts = msgspec.json.decode(body, type=_Response).data.alerts if body else []
    return {(a.labels["alertname"], a.labels.get("instance", "")) for a in alerts if a.state == "firing"}


def _check_files(folder: Path) -> None:
    succeed(program("promtool"), "check", "rules", _ALERTS)
    (folder / "original.yaml").write_text(_ALERTS.read_text("utf-8"), "utf-8")
    (folder / "tests.yaml").write_text(_UNIT_TESTS, "utf-8")
    succeed(program("promtool"), "test", "rules", folder / "tests.yaml", cwd=folder)


def _check_exposition(folder: Path, address: str) -> None:
    """Check that promtool accepts the metrics and their names."""
    (folder / "metrics").write_bytes(_get(f"http://{address}/metrics"))
    succeed("/bin/sh", "-c", f"{program('promtool')} check metrics <metrics", cwd=folder)


def _run(folder: Path) -> None:
    _check_files(folder)
    stuck, approval, failed, silent = (f"127.0.0.1:{_free_port()}" for _ in range(4))
    with ExitStack() as stack, ExitStack() as silenced:
        url = stack.enter_context(_prometheus(folder, [stuck, approval, failed, silent]))
        # At speed 10 all wait in their last status after a second; `stopped` ends after 10 s, and is in no
        # status for as long as 6 s, from which it would be stuck.
        for address, scenario, speed in (
            (stuck, "stuck", "10"),
            (approval, "approval", "10"),
            (failed, "stopped", "0.8"),
        ):
            server = stack.enter_context(simulator(folder, scenario, "--speed", speed))
            stack.enter_context(_watching(folder, server, address))
        server = silenced.enter_context(simulator(folder, "approval", "--speed", "10"))
        stack.enter_context(_watching(folder, server, silent))
        _check_exposition(folder, stuck)

        seen = _watch_alerts(url, {("ImportStuck", stuck)})
        expect(seen - {("ImportFailed", failed)}, {("ImportStuck", stuck)}, "first alert")
        seen = _watch_alerts(url, {("ImportWaitsForApproval", approval), ("ImportFailed", failed)})
        silenced.close()
        _watch_alerts(url, {("NoAnswerFromLaunchDarkly", silent)})
        expect(
            _firing(url),
            {
                ("ImportStuck", stuck),
                ("ImportWaitsForApproval", approval),
                ("ImportWaitsForApproval", silent),
                ("ImportFailed", failed),
                ("NoAnswerFromLaunchDarkly", silent),
            },
            "alerts that fire at the end",
        )


def _watch_alerts(url: str, expected: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Wait until these alerts fire, and return all that fire then."""

    def firing() -> set[tuple[str, str]] | None:
        found = _firing(url)
        return found if expected <= found else None

    return wait_until(firing, f"alerts {expected}")


ENVIRONMENT: Final = Environment(
    "prometheus",
    (Program("prometheus", "apt: prometheus"), Program("promtool", "apt: prometheus")),
    _run,
)
