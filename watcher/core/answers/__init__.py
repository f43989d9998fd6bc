"""From an HTTP response to a reply: decoding and rate-limit headers."""
