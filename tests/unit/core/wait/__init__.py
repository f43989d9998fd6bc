"""Unit tests of watcher.core.wait."""
