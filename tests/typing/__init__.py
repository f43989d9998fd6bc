"""Code for the type checker only."""
