"""Waiting from within another asyncio program: no logging, no signal handlers, no process exit."""
