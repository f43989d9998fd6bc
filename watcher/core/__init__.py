"""The rules of waiting: pure functions and state machines that do no I/O and read no clock."""
