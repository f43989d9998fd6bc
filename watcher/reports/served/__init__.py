"""What ``--listen`` serves over HTTP, and the server that does."""
