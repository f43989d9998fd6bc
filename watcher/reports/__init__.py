"""One module per output; a report is a function of events and never reaches into the loop."""
