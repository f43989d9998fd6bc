"""An Airflow DAG: create an import of a big segment, wait until it is complete, then deploy.

It uses the connection ``launchdarkly_default``; see README.md.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
from airflow.sdk import dag, task

from watcher.airflow.hooks import LaunchDarklyHook
from watcher.airflow.sensors import LaunchDarklyImportSensor

if TYPE_CHECKING:
    from collections.abc import Mapping

SEGMENT = "/api/v2/segments/default/production/big-spenders"


@task(retries=0)  # a retry could create a second import
def create(file: str) -> str:
    """Create the import and return its path or URL; the file has one context key a line."""
    return asyncio.run(upload(Path(file).read_bytes()))


async def upload(keys: bytes) -> str:
    """Upload the keys and return the ``Location`` of the new import."""
    account = LaunchDarklyHook().get_conn()
    url = f"{account.base_uri or 'https://app.launchdarkly.com'}{SEGMENT}/imports"
    form = aiohttp.FormData({"mode": "replace"}, default_to_multipart=True)
    form.add_field("file", keys, filename="keys.csv")
    async with (
        aiohttp.ClientSession(headers={"Authorization": account.token}) as session,
        session.post(url, data=form, allow_redirects=False) as response,
    ):
        if response.status != HTTPStatus.NO_CONTENT:
            raise RuntimeError(f"no import was created: HTTP {response.status}: {await response.text()}")
        return response.headers["Location"]


@task
def deploy(result: Mapping[str, object]) -> None:
    """Start your deployment here; it runs only after a complete import."""
    print(f"deploying: {result['target']} is {result['status']} after {result['elapsed_s']} s")


@dag(schedule=None, catchup=False, tags=["launchdarkly"], params={"file": "keys.csv"})
def import_and_deploy() -> None:
    """Create an import, wait for it in the triggerer, and deploy."""
    wait = LaunchDarklyImportSensor(
        task_id="wait",
        target=create("{{ params.file }}"),
        fail_on=["pending_approval"],  # nobody is here to approve it
        timeout=timedelta(hours=2),
        deferrable=True,
        retries=2,  # used only if LaunchDarkly does not respond: other failures end the task at once
    )
    deploy(wait.output)


import_and_deploy()
