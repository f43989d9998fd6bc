"""What the README says, run and compared."""
