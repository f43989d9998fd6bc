"""Helpers that tests share: drivers, fake servers, processes, certificates."""
