"""Unit tests of watcher.simulator."""
