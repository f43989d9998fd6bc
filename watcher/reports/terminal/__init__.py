"""The live view on a terminal: the pure picture, and the screen that shows it."""
