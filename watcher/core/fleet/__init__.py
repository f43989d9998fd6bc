"""The rules of waiting for many imports: agenda, rate limiter, and whose end ends the others."""
