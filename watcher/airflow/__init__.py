"""Apache Airflow: a connection, a sensor and a trigger that wait for imports.

Only this package imports Airflow, and only in its modules ``hooks``, ``sensors`` and ``triggers``.
"""

from __future__ import annotations

from watcher.airflow.form import CONNECTION_TYPE, HIDDEN_FIELDS, PLACEHOLDERS, RELABELED_FIELDS

_INTEGRATION = "LaunchDarkly"


def get_provider_info() -> dict[str, object]:
    """Return what Airflow must know about this package; the entry point ``apache_airflow_provider`` calls it.

    Airflow 3.3 reads the connection form from here, earlier versions from the hook.
    """
    return {
        "package-name": "launchdarkly-import-watcher",
        "name": "LaunchDarkly import watcher",
        "description": "Wait for LaunchDarkly big-segment imports.",
        "integrations": [
            {
                "integration-name": _INTEGRATION,
                "external-doc-url": "https://launchdarkly.com/docs/home/flags/big-segments",
                "tags": ["service"],
            }
        ],
        "hooks": [{"integration-name": _INTEGRATION, "python-modules": ["watcher.airflow.hooks"]}],
        "sensors": [{"integration-name": _INTEGRATION, "python-modules": ["watcher.airflow.sensors"]}],
        "triggers": [{"integration-name": _INTEGRATION, "python-modules": ["watcher.airflow.triggers"]}],
        "connection-types": [
            {
                "connection-type": CONNECTION_TYPE,
                "hook-class-name": "watcher.airflow.hooks.LaunchDarklyHook",
                "hook-name": "LaunchDarkly",
                "ui-field-behaviour": {
                    "hidden-fields": HIDDEN_FIELDS,
                    "relabeling": RELABELED_FIELDS,
                    "placeholders": PLACEHOLDERS,
                },
            }
        ],
    }
