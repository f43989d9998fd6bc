"""The core, tested by plain calls."""
