"""The loop that polls imports, and the watches that share it: the only package that waits between polls."""
