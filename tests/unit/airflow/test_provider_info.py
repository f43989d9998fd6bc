"""What Airflow learns about the package, without Airflow."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

from watcher.airflow import get_provider_info
from watcher.version import __version__

DISTRIBUTION = "launchdarkly-import-watcher"


def test_the_entry_point_is_registered() -> None:
    """Airflow finds the provider through the metadata of the installed distribution."""
    (entry,) = (
        entry
        for entry in entry_points(group="apache_airflow_provider")
        if entry.dist is not None and entry.dist.name == DISTRIBUTION
    )
    assert entry.load() is get_provider_info
    assert entry.dist is not None
    assert entry.dist.version == __version__


def test_the_connection_type_has_a_form() -> None:
    """Airflow 3.3 reads the form from the provider info."""
    info = get_provider_info()
    assert info["package-name"] == DISTRIBUTION
    types = info["connection-types"]
    assert isinstance(types, list)
    assert types[0]["connection-type"] == "launchdarkly"
    form = types[0]["ui-field-behaviour"]
    assert form["relabeling"] == {"host": "Base URI", "password": "Access token"}
    assert not set(form["hidden-fields"]) & set(form["relabeling"])


def test_the_provider_info_is_light() -> None:
    """Every Airflow process reads it at its start, so it must not import the client."""
    code = (
        "import sys, watcher.airflow; watcher.airflow.get_provider_info(); "
        "sys.exit(bool({'aiohttp', 'msgspec', 'airflow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
