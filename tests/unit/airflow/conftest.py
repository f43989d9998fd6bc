"""Settings for Airflow, which must be there before its first import."""

from __future__ import annotations

import os
import tempfile
import warnings
from importlib import import_module
from importlib.util import find_spec

if find_spec("airflow") is not None:
    os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-"))
    os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of Airflow's own imports
        import_module("watcher.airflow.sensors")
