"""Policy documents: JSON that IAM stores and returns."""

from __future__ import annotations

import json

from scones.cloud.errors import ServiceError


def check_policy_document(document: str) -> None:
    """Raise `ServiceError` for a policy document that is not a JSON object; its statements are not checked."""
    try:
        if not isinstance(json.loads(document), dict):
            raise ValueError
    except (ValueError, RecursionError) as error:
        raise ServiceError("MalformedPolicyDocument", "This policy contains invalid Json") from error
