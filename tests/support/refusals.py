"""Errors of operations that must fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


def refusal(operation: Callable[..., Any], **params: Any) -> tuple[str, int, str]:
    """Call an operation that must fail; return its error's code, HTTP status and message."""
    with pytest.raises(ClientError) as caught:
        operation(**params)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]
