"""Waits for LaunchDarkly big-segment imports to end, and says how they ended."""

__version__ = "0.1.0"
