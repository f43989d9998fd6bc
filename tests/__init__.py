"""The tests of watcher."""
