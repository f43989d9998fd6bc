"""What only the type checker runs."""
