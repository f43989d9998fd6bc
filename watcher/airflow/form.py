"""The form of a LaunchDarkly connection."""

from __future__ import annotations

CONNECTION_TYPE = "launchdarkly"
DEFAULT_CONNECTION = "launchdarkly_default"

HIDDEN_FIELDS = ["login", "port", "schema", "extra"]
RELABELED_FIELDS = {"host": "Base URI", "password": "Access token"}
PLACEHOLDERS = {"host": "https://app.launchdarkly.com", "password": "api-…"}
