"""Benchmarks: the goals of speed and size, and the choice of the polling schedule."""
