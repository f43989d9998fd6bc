"""The examples, run by the real programs against the simulator."""
