"""API calls for tests that use a group of operations without a server."""

from __future__ import annotations

from typing import Any

from scones.cloud.core.credentials import Caller
from scones.cloud.service import OperationCall


def call(operation: str, **params: Any) -> OperationCall:
    """Return a call of an operation by the root user of an account."""
    caller = Caller("111122223333", "arn:aws:iam::111122223333:root", "111122223333", "test")
    return OperationCall(operation=operation, params=params, caller=caller, request_id="test")
