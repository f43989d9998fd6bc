"""The real client against the real simulator, and the program as a process."""
