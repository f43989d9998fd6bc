"""Settings of all tests."""

from hypothesis import HealthCheck, settings

# A loaded machine is slow now and then, which says nothing of the code.
settings.register_profile("watcher", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("watcher")
