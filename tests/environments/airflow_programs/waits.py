"""A DAG for each case in ``CASES``, a JSON object of sensor arguments; a program that runs each of them."""

from __future__ import annotations

import json
import os
import sys

from airflow.sdk import DAG

from watcher.airflow.sensors import LaunchDarklyImportSensor

DAGS = {}
for name, arguments in json.loads(os.environ.get("CASES", "{}")).items():
    with DAG(name, schedule=None) as dag:
        LaunchDarklyImportSensor(task_id="wait", **arguments)
    DAGS[name] = globals()[name] = dag

if __name__ == "__main__":
    for name, dag in DAGS.items():
        sys.stdout.write(f"CASE {name}\n")
        sys.stdout.flush()
        (instance,) = dag.test().get_task_instances()
        sys.stdout.write(f"STATE {name} {instance.state}\n")
        sys.stdout.flush()
