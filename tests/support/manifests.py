"""Types for the Kubernetes examples, and their reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import yaml

from tests.support.paths import EXAMPLES
from tests.support.pods import Closed, Pod

if TYPE_CHECKING:
    from pathlib import Path

KUBERNETES = sorted((EXAMPLES / "kubernetes").glob("*.yaml"))


class _Open(msgspec.Struct, rename="camel", kw_only=True):
    """A type with only the fields that tests use."""


class Metadata(_Open):
    """A name and annotations."""

    name: str = ""
    annotations: dict[str, str] = {}


class PodTemplate(_Open):
    """A job's template of its pods."""

    spec: Pod
    metadata: Metadata = msgspec.field(default_factory=Metadata)


class ExitCodes(Closed):
    """The exit codes of a rule."""

    container_name: str
    operator: str
    values: list[int]


class Rule(_Open):
    """A rule of a ``podFailurePolicy``."""

    action: str
    on_exit_codes: ExitCodes | None = None


class PodFailurePolicy(_Open):
    """The rules for failed pods of a job."""

    rules: list[Rule]


class JobSpec(_Open):
    """A job's ``spec``, with times in seconds."""

    template: PodTemplate
    backoff_limit: int
    active_deadline_seconds: int | None = None
    pod_failure_policy: PodFailurePolicy | None = None


class Job(_Open, tag_field="kind"):
    """A job."""

    spec: JobSpec


class JobTemplate(_Open):
    """A cron job's template of its jobs."""

    spec: JobSpec


class CronJobSpec(_Open):
    """A cron job's ``spec``."""

    job_template: JobTemplate


class CronJob(_Open, tag_field="kind"):
    """A cron job."""

    spec: CronJobSpec


class ConfigMap(_Open, tag_field="kind"):
    """A config map of files."""

    metadata: Metadata
    data: dict[str, str]


class PersistentVolumeClaim(_Open, tag_field="kind"):
    """A claim for a volume."""

    metadata: Metadata


class Example(msgspec.Struct):
    """One example file: a job and its dependencies.

    Attributes:
        text: The whole file.
        job: The job's ``spec``.
        config_maps: The files of each config map by name.
        claims: The names of the volume claims.
    """

    text: str
    job: JobSpec
    config_maps: dict[str, dict[str, str]]
    claims: set[str]

    @property
    def pod(self) -> Pod:
        """The job's pod."""
        return self.job.template.spec


def read_example(path: Path) -> Example:
    """Read an example."""
    text = path.read_text("utf-8")
    documents = msgspec.convert(
        list(yaml.safe_load_all(text)), list[Job | CronJob | ConfigMap | PersistentVolumeClaim]
    )
    jobs = [one.spec for one in documents if isinstance(one, Job)]
    jobs += [one.spec.job_template.spec for one in documents if isinstance(one, CronJob)]
    (job,) = jobs
    return Example(
        text=text,
        job=job,
        config_maps={one.metadata.name: one.data for one in documents if isinstance(one, ConfigMap)},
        claims={one.metadata.name for one in documents if isinstance(one, PersistentVolumeClaim)},
    )
