"""Checks of a function's environment variables."""

from __future__ import annotations

import json
from collections.abc import Mapping

from scones.cloud.errors import ServiceError

SIZE_LIMIT = 4096
RESERVED = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)
"""Names that the runtime sets (Lambda Developer Guide, "Defined runtime environment variables")."""


def check_variables(variables: Mapping[str, str]) -> None:
    """Raise `InvalidParameterValueException` for reserved names, and for variables of more than 4 KB in total."""
    if reserved := sorted(RESERVED & variables.keys()):
        raise _refused(
            "contains reserved keys that are currently not supported for modification. Reserved keys used in this "
            f"request: {', '.join(reserved)}"
        )
    text = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(text.encode()) > SIZE_LIMIT:
        raise _refused(f"exceeded the 4KB limit. String measured: {text}")


def _refused(reason: str) -> ServiceError:
    message = "Lambda was unable to configure your environment variables because the environment variables you have"
    return ServiceError("InvalidParameterValueException", f"{message} provided {reason}", Type="User")
