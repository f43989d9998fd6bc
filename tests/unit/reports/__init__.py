"""Unit tests of watcher.reports."""
