"""Unit tests of watcher.api."""
