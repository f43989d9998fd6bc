"""Unit tests of watcher.core.answers."""
