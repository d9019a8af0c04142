"""Invocations: synchronous, asynchronous, and by function URL."""
