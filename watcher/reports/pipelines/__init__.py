"""What GitHub Actions and GitLab show of a watch."""
