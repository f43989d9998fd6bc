"""Default settings; lengths are seconds."""

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
