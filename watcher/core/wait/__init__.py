"""The rules of waiting for one import."""
