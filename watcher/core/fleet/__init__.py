"""The rules of waiting for many imports: agenda, rate limiter, and which outcome ends all waits."""
