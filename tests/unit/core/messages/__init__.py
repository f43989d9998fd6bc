"""Unit tests of watcher.core.messages."""
