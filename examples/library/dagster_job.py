"""A Dagster job: wait for an import, then deploy.

    dagster job execute -f examples/library/dagster_job.py -c run.yaml

with the target in ``run.yaml``:

    ops: {wait_for_import: {config: {target: default/production/big-spenders/1234a567-…}}}
"""

# Dagster reads the annotations, so their evaluation must not be postponed.
import os

from dagster import Config, Failure, OpExecutionContext, RetryRequested, job, op

import watcher


class Import(Config):
    """The import to wait for: four keys, an API path or an API URL."""

    target: str


@op
async def wait_for_import(context: OpExecutionContext, config: Import) -> str:
    """Return the target once the import is complete; retry only what a retry can change."""
    token = os.environ.get("LD_ACCESS_TOKEN", "")
    try:
        ended = await watcher.wait(config.target, token=token, base_uri=os.environ.get("LD_BASE_URI"))
    except watcher.WaitError as error:
        if error.ended.outcome.worth_retrying:
            raise RetryRequested(max_retries=2, seconds_to_wait=60) from error
        raise Failure(str(error), allow_retries=False) from error
    context.log.info("%s: %s", ended.ref, ended.message)
    return str(ended.ref)


@op
def deploy(context: OpExecutionContext, target: str) -> None:
    """Start your deployment here; it runs only after a complete import."""
    context.log.info("deploying after %s", target)


@job
def wait_and_deploy() -> None:
    """Wait for an import and deploy."""
    deploy(wait_for_import())
