"""The assumptions of a TestState request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scones.cloud.services.stepfunctions.test_state.mocks import Mock


@dataclass(frozen=True, slots=True, kw_only=True)
class TestAssumptions:
    """The assumptions of a test: mock, complete context object, and numbers of retries and failed iterations."""

    mock: Mock | None = None
    context: dict[str, Any] | None = None
    retries: int = 0
    failed_iterations: int = 0
    reader_data: str | None = None
    """Content that replaces the object that an ItemReader would read."""
