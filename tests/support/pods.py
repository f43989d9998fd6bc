"""Types for the pods of the Kubernetes examples.

The types reject unknown fields such as ``hostNetwork`` or ``privileged``, so that no example can violate the
"restricted" standard by a new field.
"""

from __future__ import annotations

import msgspec


class Closed(msgspec.Struct, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """A type that rejects unknown fields."""


class Capabilities(Closed):
    """The capabilities of a container's processes."""

    drop: list[str]


class ContainerSecurity(Closed):
    """A container's ``securityContext``."""

    allow_privilege_escalation: bool
    read_only_root_filesystem: bool
    capabilities: Capabilities


class SeccompProfile(Closed):
    """The filter for system calls."""

    type: str


class PodSecurity(Closed):
    """A pod's ``securityContext``."""

    run_as_non_root: bool
    run_as_user: int
    run_as_group: int
    fs_group: int
    seccomp_profile: SeccompProfile


class Get(Closed):
    """A probe's request."""

    path: str
    port: str | int


class Probe(Closed):
    """A probe with Kubernetes' defaults, in seconds."""

    http_get: Get
    initial_delay_seconds: int = 0
    period_seconds: int = 10
    failure_threshold: int = 3


class Port(Closed):
    """A named port of a container."""

    name: str
    container_port: int


class Mount(Closed):
    """A volume's mount in a container."""

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
    """A directory with the pod's lifetime."""

    size_limit: str


class ConfigVolume(Closed):
    """A config map as files."""

    name: str


class ClaimVolume(Closed):
    """A directory that outlives the pod."""

    claim_name: str


class Volume(Closed):
    """A volume of a kind that the restricted standard allows."""

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
        """The init containers and the containers."""
        return [*self.init_containers, *self.containers]

    @property
    def watcher(self) -> Container:
        """The container that runs the program."""
        (container,) = (one for one in self.all_containers if one.image.startswith("watcher:"))
        return container
