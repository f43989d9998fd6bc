"""Unit tests of watcher.reports.github."""
