"""The example's DAG, with Airflow; skipped where it is not installed."""

from __future__ import annotations

import importlib.util
import json

import pytest

pytest.importorskip("airflow.sdk", reason="Airflow is not installed: pip install '.[airflow]'")

from tests.support.paths import EXAMPLES
from tests.support.processes import TOKEN, StartSimulator
from watcher.airflow.sensors import LaunchDarklyImportSensor


# Airflow 3.1 imports its own deprecated names.
def test_the_dag_creates_waits_and_deploys(
    monkeypatch: pytest.MonkeyPatch, start_simulator: StartSimulator
) -> None:
    """A failed creation is not repeated, the wait is deferrable, and the upload works."""
    spec = importlib.util.spec_from_file_location(
        "import_and_deploy", EXAMPLES / "airflow" / "import_and_deploy.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    dag = module.import_and_deploy()
    assert {task.task_id: task.downstream_task_ids for task in dag.tasks} == {
        "create": {"wait"},
        "wait": {"deploy"},
        "deploy": set(),
    }
    assert dag.get_task("create").retries == 0
    wait = dag.get_task("wait")
    assert isinstance(wait, LaunchDarklyImportSensor)
    assert wait.deferrable
    simulator = start_simulator("happy")
    connection = {"conn_type": "launchdarkly", "host": simulator.base_uri, "password": TOKEN}
    monkeypatch.setenv("AIRFLOW_CONN_LAUNCHDARKLY_DEFAULT", json.dumps(connection))
    keys = EXAMPLES / "airflow" / "README.md"  # any file will do
    assert "/big-spenders/imports/" in dag.get_task("create").python_callable(str(keys))
