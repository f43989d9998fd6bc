"""What is wrong with a state file that cannot be used."""


class DamagedError(Exception):
    """The file cannot be trusted; the message says why, as the end of a sentence."""
