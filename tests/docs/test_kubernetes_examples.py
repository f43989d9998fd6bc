"""The Kubernetes examples match the program, and they meet the "restricted" standard."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.manifests import KUBERNETES, Example, read_example
from watcher.cli.inputs import InputReader
from watcher.cli.parse import parse
from watcher.core.exit_codes import DEFAULT_CODES
from watcher.core.statuses import Outcome
from watcher.version import __version__

if TYPE_CHECKING:
    from tests.support.pods import Container
    from watcher.cli.settings import Settings

SIDECARS = [path for path in KUBERNETES if "sidecar" in path.name]
ANSWERS = (
    Outcome.USAGE,
    Outcome.STOPPED,
    Outcome.UNAUTHORIZED,
    Outcome.NOT_FOUND,
    Outcome.PROTOCOL,
    Outcome.BLOCKED,
    Outcome.TIMEOUT,
)
"""Outcomes that a retry would only repeat."""
WRITTEN = ("--status-file", "--state-file", "--dotenv", "--termination-log")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("WATCHER_", "LD_", "LAUNCHDARKLY_")):
            monkeypatch.delenv(name)


@pytest.fixture(params=KUBERNETES, ids=lambda path: path.stem)
def example(request: pytest.FixtureRequest) -> Example:
    """Return each example."""
    path: Path = request.param
    return read_example(path)


def settings_of(container: Container) -> Settings:
    """Return the settings in the container's arguments."""
    parsed = parse(container.args)
    assert parsed is not None
    assert parsed.error is None
    parsed.settings.check(has_command=False)
    return parsed.settings


def copied_from_mount(target: str, example: Example, folder: Path) -> str:
    """Return the target; if it is a mounted file of a config map, copy the file and return the copy."""
    if not target.startswith("@"):
        return target
    path = Path(target.removeprefix("@"))
    for mount in example.pod.watcher.volume_mounts:
        for volume in example.pod.volumes:
            if volume.name == mount.name and volume.config_map and path.parent == Path(mount.mount_path):
                copy = folder / path.name
                copy.write_text(example.config_maps[volume.config_map.name][path.name])
                return f"@{copy}"
    pytest.fail(f"{target} is not mounted")


def test_there_are_four() -> None:
    """The tests cover every example."""
    assert [path.stem for path in KUBERNETES] == ["cronjob", "gate", "native-sidecar", "plain-sidecar"]


def test_the_arguments_are_accepted(example: Example, tmp_path: Path) -> None:
    """All options are valid together, and each example watches one import."""
    settings = settings_of(example.pod.watcher)
    targets = tuple(copied_from_mount(target, example, tmp_path) for target in settings.targets)
    token_file = tmp_path / "access-token"
    token_file.write_text("api-1\n")
    inputs = InputReader(replace(settings, targets=targets, token_file=token_file)).read()
    assert len(inputs.refs) == 1
    assert settings.terms().policy.timeout > 0


def test_the_image_is_this_version(example: Example) -> None:
    """The examples use the image name in the Dockerfile's first comment."""
    assert example.pod.watcher.image == f"watcher:{__version__}"


def test_each_explains_when_to_choose_it(example: Example) -> None:
    """The first comment says when to choose this example."""
    head = example.text.split("apiVersion", 1)[0]
    assert "\n# Choose this " in head


def test_the_token_is_a_mounted_secret(example: Example) -> None:
    """The token file is in a read-only volume of a secret that the process's group may read."""
    path = settings_of(example.pod.watcher).token_file
    assert path is not None
    (mount,) = (one for one in example.pod.watcher.volume_mounts if path.parent == Path(one.mount_path))
    (volume,) = (one for one in example.pod.volumes if one.name == mount.name)
    assert mount.read_only
    assert volume.secret is not None
    assert volume.secret.default_mode == 0o440
    assert f"secret generic {volume.secret.secret_name} --from-file={path.name}\n" in example.text


def test_the_restricted_standard_holds(example: Example) -> None:
    """No root, no capabilities, no new privileges, the default seccomp filter, a read-only root."""
    pod = example.pod
    assert pod.security_context.run_as_non_root
    assert pod.security_context.run_as_user > 0
    assert pod.security_context.seccomp_profile.type == "RuntimeDefault"
    assert not pod.automount_service_account_token
    for container in pod.all_containers:
        assert not container.security_context.allow_privilege_escalation
        assert container.security_context.read_only_root_filesystem
        assert container.security_context.capabilities.drop == ["ALL"]
        assert {"cpu", "memory"} <= container.resources["requests"].keys()
        assert "memory" in container.resources["limits"]


def test_mounts_and_volumes_match(example: Example) -> None:
    """Each mount has a volume, each volume is mounted, and each claim and config map is in the file."""
    volumes = {volume.name: volume for volume in example.pod.volumes}
    mounted = {mount.name for container in example.pod.all_containers for mount in container.volume_mounts}
    assert mounted == volumes.keys()
    for volume in volumes.values():
        if volume.config_map is not None:
            assert volume.config_map.name in example.config_maps
        if volume.persistent_volume_claim is not None:
            assert volume.persistent_volume_claim.claim_name in example.claims


def test_written_files_are_on_a_volume(example: Example) -> None:
    """Every file that the program writes is on a writable mount; the root is read-only."""
    folders = {mount.mount_path for mount in example.pod.watcher.volume_mounts if not mount.read_only}
    words = (argument.partition("=") for argument in example.pod.watcher.args)
    assert {str(Path(value).parent) for option, _, value in words if option in WRITTEN} == folders


@pytest.mark.parametrize("name", ["gate", "cronjob"])
def test_a_job_fails_only_on_final_outcomes(name: str) -> None:
    """The podFailurePolicy has the codes of the final outcomes, in the order that the API requires."""
    job = read_example(next(path for path in KUBERNETES if path.stem == name)).job
    assert job.pod_failure_policy is not None
    ignored, failed = job.pod_failure_policy.rules
    assert (ignored.action, ignored.on_exit_codes) == ("Ignore", None)
    assert failed.action == "FailJob"
    assert failed.on_exit_codes is not None
    assert failed.on_exit_codes.operator == "In"
    assert failed.on_exit_codes.values == sorted(DEFAULT_CODES[outcome] for outcome in ANSWERS)
    assert failed.on_exit_codes.container_name == job.template.spec.watcher.name
    assert job.template.spec.restart_policy == "Never"
    assert job.backoff_limit > 0


def test_an_unfinished_import_is_not_a_failure() -> None:
    """The CronJob exits with 0 for a pending import and for an outage, and only for these."""
    (path,) = (path for path in KUBERNETES if path.stem == "cronjob")
    settings = settings_of(read_example(path).pod.watcher)
    assert settings.once
    assert settings.exit_code == ((Outcome.PENDING, 0), (Outcome.UNAVAILABLE, 0))


def test_the_native_sidecar_outlasts_the_wait() -> None:
    """It lingers, its startup probe allows the whole wait, and the job has a deadline."""
    (path,) = (path for path in KUBERNETES if path.stem == "native-sidecar")
    example = read_example(path)
    sidecar, settings = example.pod.watcher, settings_of(example.pod.watcher)
    assert sidecar in example.pod.init_containers
    assert sidecar.restart_policy == "Always"
    assert settings.linger
    assert settings.timeout is not None
    assert sidecar.startup_probe is not None
    budget = sidecar.startup_probe.period_seconds * sidecar.startup_probe.failure_threshold
    assert budget >= settings.timeout + settings.request_timeout
    assert f" {budget} s" in example.text
    assert example.job.active_deadline_seconds is not None
    assert example.job.active_deadline_seconds > budget


@pytest.mark.parametrize("path", SIDECARS, ids=lambda path: path.stem)
def test_probes_use_the_served_port(path: Path) -> None:
    """The program serves the probed port on an address that the kubelet can reach."""
    sidecar = read_example(path).pod.watcher
    listen = settings_of(sidecar).listen
    assert listen is not None
    host, served_port = listen
    assert host == "0.0.0.0"  # noqa: S104 (the kubelet needs it)
    (port,) = sidecar.ports
    assert port.container_port == served_port
    assert sidecar.liveness_probe is not None
    probes = [probe for probe in (sidecar.startup_probe, sidecar.liveness_probe) if probe is not None]
    assert all(probe.http_get.port == port.name for probe in probes)


def test_prometheus_scrapes_the_served_port() -> None:
    """The annotations of the plain sidecar name the port and the path of the metrics."""
    (path,) = (path for path in KUBERNETES if path.stem == "plain-sidecar")
    example = read_example(path)
    listen = settings_of(example.pod.watcher).listen
    assert listen is not None
    assert example.job.template.metadata.annotations == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(listen[1]),
        "prometheus.io/path": "/metrics",
    }
