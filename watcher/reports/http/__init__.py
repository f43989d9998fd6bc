"""The HTTP endpoints of ``--listen``."""
