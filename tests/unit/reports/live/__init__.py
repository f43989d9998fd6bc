"""Unit tests of watcher.reports.live."""
