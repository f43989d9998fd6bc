"""Unit tests of watcher.state."""
