"""Tests that the README and the examples are correct and current."""
