"""Attacks: each module checks one group of the guarantees in SECURITY.md, one row of a table per attack."""
