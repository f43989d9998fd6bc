"""Messages about faults, outcomes and progress. Usage errors are where they are raised."""
