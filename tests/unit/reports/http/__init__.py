"""Unit tests of watcher.reports.http."""
