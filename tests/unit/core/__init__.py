"""Unit tests of watcher.core."""
