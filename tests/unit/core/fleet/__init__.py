"""Unit tests of watcher.core.fleet."""
