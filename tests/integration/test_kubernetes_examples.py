"""Tests of the sidecars in the Kubernetes examples, run with their arguments but other paths and ports."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from tests.support.manifests import read_example
from tests.support.paths import EXAMPLES
from tests.support.processes import FAST, TOKEN, environment, finish, start_watcher

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.pods import Container
    from tests.support.processes import StartSimulator

KUBERNETES = EXAMPLES / "kubernetes"


def on_this_machine(container: Container, location: str, folder: Path, port: int = 0) -> list[str]:
    """Return the container's command and arguments with the test's paths and ports."""
    *_, target = container.args or [""]
    places = {
        target: location,
        "/run/secrets/launchdarkly": str(folder),
        "/run/watcher": str(folder),
        "0.0.0.0:8080": f"127.0.0.1:{port}",
    }
    words = [*container.command, *container.args]
    for place, here in places.items():
        words = [word.replace(place, here) if place else word for word in words]
    return words


def free_port() -> int:
    """Return an unused port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def status_of(port: int, path: str) -> int | None:
    """Return the HTTP status that a probe sees; None if nothing listens yet."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return None


def test_the_native_sidecar_serves_what_is_probed(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """Every probed path is served, and readiness follows the success."""
    example = read_example(KUBERNETES / "native-sidecar.yaml")
    sidecar, (work,) = example.pod.watcher, example.pod.containers
    simulator = start_simulator("happy", speed=20)
    (tmp_path / "access-token").write_text(f"{TOKEN}\n")
    port = free_port()
    arguments = on_this_machine(sidecar, simulator.create(), tmp_path, port)
    assert sidecar.startup_probe is not None
    assert sidecar.liveness_probe is not None
    *_, url = work.command
    paths = [sidecar.liveness_probe.http_get.path, url.removeprefix("http://127.0.0.1:8080")]
    process = start_watcher(*arguments, *FAST, env=environment(simulator.base_uri, LD_ACCESS_TOKEN="api-no"))
    try:
        seen: list[int] = []
        deadline = time.monotonic() + 30
        while 200 not in seen and time.monotonic() < deadline:
            status = status_of(port, sidecar.startup_probe.http_get.path)
            if status is not None and status not in seen:
                seen.append(status)
            time.sleep(0.02)
        assert seen == [503, 200]
        assert [status_of(port, path) for path in paths] == [200, 200]
    finally:
        process.send_signal(signal.SIGTERM)
    assert finish(process).code == 0


def test_the_plain_sidecar_reports_in_its_file_and_metrics(
    start_simulator: StartSimulator, tmp_path: Path
) -> None:
    """The work waits for the result in the status file and ends with its code; the metrics are served."""
    example = read_example(KUBERNETES / "plain-sidecar.yaml")
    sidecar = example.pod.watcher
    (work,) = (container for container in example.pod.containers if container is not sidecar)
    assert sidecar.liveness_probe is not None
    paths = [
        sidecar.liveness_probe.http_get.path,
        example.job.template.metadata.annotations["prometheus.io/path"],
    ]
    simulator = start_simulator("stopped", speed=15)
    (tmp_path / "access-token").write_text(f"{TOKEN}\n")
    port = free_port()
    location = simulator.create()
    program, *arguments = on_this_machine(work, location, tmp_path)
    assert program == "python"
    with subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True) as reader:
        watcher = start_watcher(
            *on_this_machine(sidecar, location, tmp_path, port),
            *FAST,
            env=environment(simulator.base_uri, LD_ACCESS_TOKEN="api-no"),
        )
        deadline = time.monotonic() + 30
        while status_of(port, paths[0]) is None and time.monotonic() < deadline:
            time.sleep(0.02)
        statuses = [status_of(port, path) for path in paths]
        assert finish(watcher).code == 3
        assert statuses == [200, 200]
        out, _ = reader.communicate(timeout=30)
    assert reader.returncode == 3
    assert out == "warming up\nthe import ended: stopped\n"
