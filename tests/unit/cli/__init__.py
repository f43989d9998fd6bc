"""Unit tests of watcher.cli."""
