"""Simulations of whole watches on virtual time, each drawn from one seed and checked against invariants."""
