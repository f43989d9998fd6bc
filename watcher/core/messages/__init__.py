"""Every sentence that users read about faults, outcomes and progress."""
