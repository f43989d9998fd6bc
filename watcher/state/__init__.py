"""The memory of waits across runs: what a state file says, how it is read and written, and when."""
