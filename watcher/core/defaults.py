"""Default settings, with lengths in seconds, and an example."""

TIMEOUT = 3600.0
OUTAGE_BUDGET = 300.0
ONCE_OUTAGE_BUDGET = 30.0
APPEAR_WITHIN = 30.0
REQUEST_TIMEOUT = 10.0
HEARTBEAT = 60.0

MIN_INTERVAL = 1.0
MAX_INTERVAL = 25.0
GROWTH = 1.1
"""The polling schedule with the best results in the benchmark."""

EXAMPLE_TARGET = "default/production/big-spenders/1234a567-bcd8-9123-4567-abcd1234567f"
"""An example of a target: the four keys of an import."""
