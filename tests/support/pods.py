"""Pods of the Kubernetes examples, as types.

What a pod may hold is a closed set: a field that these types do not know, such as ``hostNetwork`` or
``privileged``, is refused, so an example cannot leave the "restricted" standard by a new field.
"""

from __future__ import annotations

import msgspec


class Closed(msgspec.Struct, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """Knows all of its fields."""


class Capabilities(Closed):
    """What a container's processes may do as root does."""

    drop: list[str]


class ContainerSecurity(Closed):
    """A container's ``securityContext``."""

    allow_privilege_escalation: bool
    read_only_root_filesystem: bool
    capabilities: Capabilities


class SeccompProfile(Closed):
    """The filter of system calls."""

    type: str


class PodSecurity(Closed):
    """A pod's ``securityContext``."""

    run_as_non_root: bool
    run_as_user: int
    run_as_group: int
    fs_group: int
    seccomp_profile: SeccompProfile


class Get(Closed):
    """The request of a probe."""

    path: str
    port: str | int


class Probe(Closed):
    """A probe, with Kubernetes' defaults; times are seconds."""

    http_get: Get
    initial_delay_seconds: int = 0
    period_seconds: int = 10
    failure_threshold: int = 3


class Port(Closed):
    """A port that a container names."""

    name: str
    container_port: int


class Mount(Closed):
    """Where a container sees a volume."""

    name: str
    mount_path: str
    read_only: bool = False


class Container(Closed):
    """A container of a pod."""

    name: str
    image: str
    resources: dict[str, dict[str, str]]
    security_context: ContainerSecurity
    command: list[str] = []
    args: list[str] = []
    restart_policy: str | None = None
    ports: list[Port] = []
    startup_probe: Probe | None = None
    liveness_probe: Probe | None = None
    volume_mounts: list[Mount] = []


class SecretVolume(Closed):
    """A secret as files."""

    secret_name: str
    default_mode: int


class EmptyVolume(Closed):
    """A folder that lives as long as the pod."""

    size_limit: str


class ConfigVolume(Closed):
    """A config map as files."""

    name: str


class ClaimVolume(Closed):
    """A folder that outlives the pod."""

    claim_name: str


class Volume(Closed):
    """A pod's volume, of a kind that the restricted standard allows."""

    name: str
    secret: SecretVolume | None = None
    empty_dir: EmptyVolume | None = None
    config_map: ConfigVolume | None = None
    persistent_volume_claim: ClaimVolume | None = None


class Pod(Closed):
    """A pod's ``spec``."""

    restart_policy: str
    automount_service_account_token: bool
    security_context: PodSecurity
    containers: list[Container]
    volumes: list[Volume]
    init_containers: list[Container] = []

    @property
    def all_containers(self) -> list[Container]:
        """Those that run first, and those that follow."""
        return [*self.init_containers, *self.containers]

    @property
    def watcher(self) -> Container:
        """The one container that is the program."""
        (container,) = (one for one in self.all_containers if one.image.startswith("watcher:"))
        return container
