"""How much may run at once: beyond it, executions are refused, so that those that run can go on and be ended."""

from __future__ import annotations

RUNNING = 10_000
"""Executions of each type that run at once. AWS's quota of Standard ones is 1,000,000, and Express ones have none."""
CHARACTERS = 64 * 1024**2
"""Characters of the inputs of these executions together; the limit is ours."""


class Quota:
    """Counts the executions that run, and the characters of their inputs."""

    def __init__(self) -> None:
        self._running = 0
        self._characters = 0

    def used_up(self, text: str = "") -> bool:
        """Return True if no execution with this input may start."""
        return self._running >= RUNNING or self._characters + len(text) > CHARACTERS

    def add(self, text: str) -> None:
        """Count an execution with this input; those that an earlier process left are counted beyond the limits."""
        self._running += 1
        self._characters += len(text)

    def remove(self, text: str) -> None:
        """Count an execution with this input no longer."""
        self._running -= 1
        self._characters -= len(text)
