"""LaunchDarkly over HTTP: targets, hosts, the access token and the one GET request."""
