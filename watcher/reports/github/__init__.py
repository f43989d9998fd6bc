"""GitHub Actions: outputs, annotations and the step summary."""
