"""Whole lives of a watch on virtual time, each drawn from one integer seed and checked against invariants."""
