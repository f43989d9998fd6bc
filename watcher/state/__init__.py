"""Persistence between runs: the state file."""
