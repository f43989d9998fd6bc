"""Unit tests of watcher.loop."""
