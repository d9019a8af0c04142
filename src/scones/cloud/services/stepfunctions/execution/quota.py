"""Limits on running executions: beyond them, new executions are refused, so that running ones can continue and end."""

from __future__ import annotations

MAX_RUNNING = 10_000
"""Maximum running executions of each type. AWS's quota is 1,000,000 for Standard and none for Express executions."""
MAX_CHARACTERS = 64 * 1024**2
"""Maximum characters of the inputs of these executions together; a limit of the local cloud."""


class RunningQuota:
    """A count of the running executions and of the characters of their inputs."""

    def __init__(self) -> None:
        self._running = 0
        self._characters = 0

    def is_exceeded_by(self, text: str = "") -> bool:
        """Return True if an execution with this input must be refused."""
        return self._running >= MAX_RUNNING or self._characters + len(text) > MAX_CHARACTERS

    def add(self, text: str) -> None:
        """Count an execution with this input; resumed executions are counted even beyond the limits."""
        self._running += 1
        self._characters += len(text)

    def remove(self, text: str) -> None:
        """Stop counting an execution with this input."""
        self._running -= 1
        self._characters -= len(text)
