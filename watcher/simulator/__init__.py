"""An embedded LaunchDarkly on loopback: the import API of big segments, with scenarios and faults."""

from watcher.simulator.rate_limits import Limit
from watcher.simulator.scenarios import SCENARIOS
from watcher.simulator.server import serve

__all__ = ["SCENARIOS", "Limit", "serve"]
